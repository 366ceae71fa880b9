// Everything that a publisher and a subscriber count, by `details()`.
import { openPublisher, openSubscriber } from '@millrace/core';

const publisher = await openPublisher('memory://queue/counted', { predicate: ({ value }) => value !== null });
const subscriber = await openSubscriber('memory://queue/counted');
for (const value of [1, 2, null, 3]) await publisher.publish({ value });
for (let count = 0; count < 2; count++) await subscriber.next();
const { offered, publish_count, filtered, queue_depth, last_publish } = publisher.details();
console.log({ offered, publish_count, filtered, queue_depth }, last_publish);
const { receive_count, rate_per_minute, peak_per_minute } = subscriber.details();
console.log({ receive_count, peak_per_minute }, rate_per_minute > 0);
await publisher.close();
await subscriber.close();

// Prints:
// { offered: 3, publish_count: 3, filtered: 1, queue_depth: 0 } ...
// { receive_count: 2, peak_per_minute: 2 } true
