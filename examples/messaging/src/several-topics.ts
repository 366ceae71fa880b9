// Three publishers that share one configuration, each with a destination of its own.
import { createPublisher } from '@millrace/core';

const shared = { max_queue_depth: 1000, retry_max: 5, retry_backoff: '50ms' };
const names = ['users', 'orders', 'logs'];
const publishers = await Promise.all(
  names.map((name) => createPublisher(name, { ...shared, destination: `file:${name}.jsonl` })),
);
await Promise.all(publishers.map((publisher) => publisher.start()));
await publishers[0]?.publish({ key: 'user_001', value: { name: 'Alice' } });
await publishers[1]?.publish({ key: 'order_12345', value: { total: 99.5 } });
await publishers[2]?.publish({ key: 'log_1', value: { level: 'info' } });
await Promise.all(publishers.map((publisher) => publisher.close()));
for (const publisher of publishers) {
  const { name, destination, publish_count: count } = publisher.details();
  console.log(name, destination, count);
}

// Prints:
// users file:users.jsonl 1
// orders file:orders.jsonl 1
// logs file:logs.jsonl 1
