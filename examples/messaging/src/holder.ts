// Test doubles: a publisher that keeps what it gets, a subscriber that gives what it was given.
import type { Publisher, Subscriber } from '@millrace/core';
import { HolderPublisher, HolderSubscriber } from '@millrace/core';

/** What is to be tested. */
async function addTax(from: Subscriber, to: Publisher): Promise<void> {
  const message = await from.next();
  if (message === undefined) return;
  const { total } = message.value as { total: number };
  await to.publish({ ...message, value: { total, tax: total * 0.23 } });
}

const [from, to] = [new HolderSubscriber('orders'), new HolderPublisher('taxed')];
await Promise.all([from.start(), to.start()]);
from.addDataBatch([{ __dagserver_key: 'order-1', total: 100 }]);
await addTax(from, to);
console.log(to.findMessages(({ key }) => key === 'order-1'));
await Promise.all([from.close(), to.close()]);

// Prints:
// [ { key: 'order-1', value: { total: 100, tax: 23 } } ]
