// Two workers of one group share a stream of Redis. One of them dies with a job in its hands; the other gets it.
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `redisstream://${process.env['REDIS_SERVER'] ?? 'localhost:6379'}/jobs`;
const publisher = await openPublisher(url);
for (let job = 1; job <= 4; job++) await publisher.publish({ value: { job } });
await publisher.close();

const group = { group: 'workers', claim_idle: '200ms', trim_acknowledged: true };
const first = await openSubscriber(url, { ...group, consumer: 'first', max_depth: 2 });
console.log('first takes', (await first.next())?.value);
await first.close(); // asks for no other, so this job is not acknowledged

const second = await openSubscriber(url, { ...group, consumer: 'second' });
const done = new Set<string>();
while (done.size < 4) done.add(JSON.stringify((await second.next())?.value));
console.log('second does', [...done].toSorted());
await second.close();

// Prints:
// first takes { job: 1 }
// second does [ '{"job":1}', '{"job":2}', '{"job":3}', '{"job":4}' ]
