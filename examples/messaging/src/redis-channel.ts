// A producer and a consumer on a channel of Redis. It keeps nothing: who is to get everything has to be there before.
import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `redischannel://${process.env['REDIS_SERVER'] ?? 'localhost:6379'}/data_stream`;
const consumer = await openSubscriber(url);
const consuming = consumer.subscribe(({ value }) => {
  console.log('got', value);
});

const producer = await openPublisher(url);
for (let id = 0; id < 3; id++) await producer.publish({ value: { id, value: id * 10 } });
await producer.close();
while (consumer.getMessageCount() < 3) await sleep(10);
await consumer.close();
await consuming;
console.log('received:', consumer.getMessageCount());

// Prints:
// got { id: 0, value: 0 }
// got { id: 1, value: 10 }
// got { id: 2, value: 20 }
// received: 3
