// What cannot work says so before anything is connected, with a code for the program and a way out for the reader.
import { MillraceError, openPublisher } from '@millrace/core';

for (const [url, config] of [
  ['redsi://localhost/orders', {}],
  ['rabbitmq://queue/orders', {}],
  ['memory://queue/orders', { batch_sise: 10 }],
  ['memory://queue/orders', { max_queue_depth: 0 }],
] as const) {
  try {
    await openPublisher(url, config);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
}

// Prints:
// UNKNOWN_SCHEME: no connector for "redsi:" is known; did you mean redis:?
// CONNECTOR_NOT_INSTALLED: no connector for "rabbitmq:" is installed: give createRegistry a package that exports one, ...
// UNKNOWN_OPTION: publisher "memory://queue/orders": batch_sise is unknown: did you mean batch_size?
// INVALID_OPTION: publisher "memory://queue/orders": max_queue_depth: 0 is not an integer from 1 up
