// Ten thousand events as fast as they go, with a line of progress per two thousand. `enqueue` resolves once the queue has
// the message; `close` delivers what is left.
import { openPublisher } from '@millrace/core';

const publisher = await openPublisher('file:events.jsonl');
const started = performance.now();
for (let index = 1; index <= 10_000; index++) {
  await publisher.enqueue({
    key: `event_${index}`,
    value: { user: `user_${index % 100}`, page: `/page/${index % 50}`, duration: index % 300 },
  });
  if (index % 2000 === 0) console.log(`${index} events`);
}
await publisher.close();
const { publish_count: total, queue_depth: left } = publisher.details();
const seconds = (performance.now() - started) / 1000;
console.log(`${total} events, ${left} left, ${seconds.toFixed(2)} s, ${Math.round(total / seconds)} events/s`);

// Prints:
// 2000 events
// 4000 events
// 6000 events
// 8000 events
// 10000 events
// 10000 events, 0 left, ... s, ... events/s
