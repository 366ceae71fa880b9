// The most urgent messages go first: 1 to 5, taken from a field of the value. Equals keep their order.
import { openPublisher, openSubscriber } from '@millrace/core';

const subscriber = await openSubscriber('memory://queue/alerts');
const publisher = await openPublisher('memory://queue/alerts', { queue_type: 'priority', dag_priority_key: 'level' });
publisher.suspend();
for (const [text, level] of [
  ['disk is filling', 3],
  ['backup done', 5],
  ['fire', 1],
  ['door open', 3],
] as const) {
  await publisher.enqueue({ value: { text, level } });
}
publisher.resume();
await publisher.close();
for (let count = 0; count < 4; count++) console.log((await subscriber.next())?.value);
await subscriber.close();

// Prints:
// { text: 'fire', level: 1 }
// { text: 'disk is filling', level: 3 }
// { text: 'door open', level: 3 }
// { text: 'backup done', level: 5 }
