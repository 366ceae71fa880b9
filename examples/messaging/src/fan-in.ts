// One subscriber over several sources: of subscribers that exist, or by a URL.
import { createSubscriber, FanInSubscriber, openPublisher, openSubscriber } from '@millrace/core';

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

const publisher = await openPublisher('memory://queue/berlin');
await publisher.publish({ value: 'by a URL' });
await publisher.close();
const byUrl = await openSubscriber('fanin://memory://queue/warsaw,memory://queue/berlin');
console.log((await byUrl.next())?.value);
await byUrl.close();

// Prints:
// [ 'from berlin', 'from warsaw' ]
// 2 [ 'warsaw', 'berlin' ] 2
// by a URL
