// Messages are collected, and sent every ten minutes or when 100 are there, whichever comes first.
import { createPublisher } from '@millrace/core';

const publisher = await createPublisher('metrics', {
  destination: 'file:metrics.jsonl',
  publish_interval: 600,
  batch_size: 100,
});
await publisher.start();
const waiting = Array.from({ length: 100 }, (_, second) =>
  publisher.publish({ value: { cpu: 45.5 + 0.5 * second, memory: 60 + 0.3 * second } }),
);
console.log('before the batch is full is sent:', publisher.details().publish_count);
await Promise.all(waiting);
console.log('the whole batch:', publisher.details().publish_count);
await publisher.enqueue({ value: { cpu: 95.5, memory: 90 } });
await publisher.flush();
console.log('flush does not wait for it:', publisher.details().publish_count);
await publisher.close();

// Prints:
// before the batch is full is sent: 0
// the whole batch: 100
// flush does not wait for it: 101
