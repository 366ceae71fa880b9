// Priorities of your own making: the larger the order, the earlier it is received.
import type { JsonValue } from '@millrace/core';
import { openPublisher, openSubscriber } from '@millrace/core';

const priorityOf = (value: JsonValue): number => ((value as { total: number }).total >= 100 ? 1 : 5);

const publisher = await openPublisher('file:orders.jsonl');
for (const total of [12, 250, 30, 100]) await publisher.publish({ value: { total } });
await publisher.close();
const subscriber = await openSubscriber('file:orders.jsonl', {
  queue_type: 'priority',
  priorityExtractor: priorityOf,
});
while (subscriber.getMessageCount() < 4) await new Promise((resolve) => setTimeout(resolve, 5));
for (let count = 0; count < 4; count++) console.log((await subscriber.next())?.value);
await subscriber.close();

// Prints:
// { total: 250 }
// { total: 100 }
// { total: 12 }
// { total: 30 }
