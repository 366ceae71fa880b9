// Keys of Redis by pattern: looked at as they are, and worked off like a queue.
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `redis://${process.env['REDIS_SERVER'] ?? 'localhost:6379'}/plant`;
const publisher = await openPublisher(url);
for (const key of ['sensor:temperature:001', 'sensor:temperature:002', 'sensor:humidity:001', 'pump:1']) {
  await publisher.publish({ key, value: { on: true } });
}
await publisher.close();

/** What matches now, which is something: a subscriber waits for more, so the pause behind it ends it. */
async function keysOf(pattern: string, options: { readonly delete_on_read?: boolean } = {}): Promise<string[]> {
  const subscriber = await openSubscriber(url, { key_pattern: pattern, poll_interval: 0.01, ...options });
  const keys: string[] = [];
  for (let message = await subscriber.next(); message !== undefined;) {
    keys.push(message.key ?? '');
    message = await subscriber.next({ timeoutMs: 500 });
  }
  await subscriber.close();
  return keys.toSorted();
}

console.log(await keysOf('sensor:*'));
console.log(await keysOf('sensor:temperature:*', { delete_on_read: true }));
console.log(await keysOf('*'));

// Prints:
// [
//   'sensor:humidity:001',
//   'sensor:temperature:001',
//   'sensor:temperature:002'
// ]
// [ 'sensor:temperature:001', 'sensor:temperature:002' ]
// [ 'pump:1', 'sensor:humidity:001' ]
