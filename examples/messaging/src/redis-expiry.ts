// Keys of Redis that expire: after five minutes, or when their own message says. One of these says at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, openSubscriber } from '@millrace/core';

const server = process.env['REDIS_SERVER'] ?? 'localhost:6379';
const publisher = await openPublisher(`redis://${server}/cache`, { ttl_seconds: 300 });
await publisher.publish({ key: 'page:home', value: { html: '<h1>Hello</h1>' } });
await publisher.publish({
  key: 'session:abc123',
  value: { user: 'alice', preferences: { theme: 'dark' }, __ttl_seconds: 600 },
});
await publisher.publish({ key: 'code:4711', value: { code: 1234, __ttl_seconds: 0.1 } });
await publisher.close();
await sleep(200);

const cache = await openSubscriber(`redis://${server}/cache`);
const left = [await cache.next(), await cache.next()].map((message) => message?.key ?? '');
console.log('left:', left.toSorted(), await cache.next({ timeoutMs: 200 }));
await cache.close();

// Prints:
// left: [ 'page:home', 'session:abc123' ] undefined
