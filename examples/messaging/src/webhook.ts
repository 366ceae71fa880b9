// A signed webhook: the sender asks until it is taken, and the receiver can tell a repetition.
import { openPublisher, openSubscriber } from '@millrace/core';

const port = 20_000 + (process.pid % 10_000);
const url = `http://127.0.0.1:${port}/orders`;
const subscriber = await openSubscriber(url, { secret: 'known to both', headers: 'idempotency-key' });
const publisher = await openPublisher(url, { secret: 'known to both' });
await publisher.enqueue({ key: 'order-1', value: { total: 12 } });
const message = await subscriber.next();
console.log(message?.key, message?.value, Object.keys(message?.headers ?? {}));
if (message !== undefined) subscriber.acknowledge(message); // the request is answered now
await publisher.close();
await subscriber.close();

const stranger = await openPublisher(`http://127.0.0.1:${port}/elsewhere`, { retry_max: 1 });
await stranger.publish({ value: 1 }).catch((error: Error) => console.log('nobody listens:', error.message));
await stranger.close();

// Prints:
// order-1 { total: 12 } [ 'idempotency-key' ]
// nobody listens: ...
