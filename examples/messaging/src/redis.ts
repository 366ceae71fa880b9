// Messages through a stream of Redis: REDIS_SERVER says where it is.
import { openPublisher, openSubscriber } from '@millrace/core';

const server = process.env['REDIS_SERVER'] ?? 'localhost:6379';
const publisher = await openPublisher(`redisstream://${server}/orders`);
await publisher.publish({ key: 'order-1', value: { total: 12 } });
const subscriber = await openSubscriber(`redisstream://${server}/orders`, { from: 'earliest' });
const message = await subscriber.next({ timeoutMs: 20_000 });
console.log(message?.key, message?.value);
await publisher.close();
await subscriber.close();

// Prints:
// order-1 { total: 12 }
