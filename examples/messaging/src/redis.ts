// Messages through a stream of Redis: REDIS_URL says where it is, `redisstream://localhost` by default.
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `${process.env['REDIS_URL'] ?? 'redisstream://localhost'}/orders`;
const publisher = await openPublisher(url);
await publisher.publish({ key: 'order-1', value: { total: 12 } });
const subscriber = await openSubscriber(url, { from: 'earliest' });
const message = await subscriber.next({ timeoutMs: 5000 });
console.log(message?.key, message?.value);
await publisher.close();
await subscriber.close();

// Prints:
// order-1 { total: 12 }
