// A publisher per region, each with keys of its own. The values may have a field `region`, too.
import { createPublisher, openSubscriber } from '@millrace/core';

const server = process.env['REDIS_SERVER'] ?? 'localhost:6379';
for (const region of ['us-east-1', 'eu-west-1', 'ap-south-1']) {
  const publisher = await createPublisher(`${region}_publisher`, { destination: `redis://${server}/${region}` });
  await publisher.start();
  await publisher.publish({ key: 'user:profile:12345', value: { name: 'Alice', region } });
  await publisher.close();
}
const europe = await openSubscriber(`redis://${server}/eu-west-1`);
console.log(await europe.next());
await europe.close();

// Prints:
// {
//   key: 'user:profile:12345',
//   value: { name: 'Alice', region: 'eu-west-1' }
// }
