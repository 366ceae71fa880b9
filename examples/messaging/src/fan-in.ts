// One subscriber over several sources.
import { createSubscriber, FanInSubscriber, openPublisher } from '@millrace/core';

const names = ['warsaw', 'berlin'];
const children = await Promise.all(names.map((name) => createSubscriber(name, { source: `memory://queue/${name}` })));
const merged = new FanInSubscriber('cities', children);
await merged.start();
for (const name of names) {
  const publisher = await openPublisher(`memory://queue/${name}`);
  await publisher.publish({ value: `from ${name}` });
  await publisher.close();
}
const values = [await merged.next(), await merged.next()].map((message) => message?.value as string);
console.log(values.toSorted());
const { subscriber_count: count, subscribers } = merged.details();
console.log(count, Object.keys(subscribers), merged.getTotalReceiveCount());
await merged.close();

// Prints:
// [ 'from berlin', 'from warsaw' ]
// 2 [ 'warsaw', 'berlin' ] 2
