// Messages through a topic of Kafka: KAFKA_URL says where it is, `kafka://localhost:9092` by default.
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `${process.env['KAFKA_URL'] ?? 'kafka://localhost:9092'}/orders`;
const publisher = await openPublisher(url);
await publisher.publish({ key: 'order-1', value: { total: 12 } });
const subscriber = await openSubscriber(url);
const message = await subscriber.next({ timeoutMs: 20_000 });
console.log(message?.key, message?.value);
await publisher.close();
await subscriber.close();

// Prints:
// order-1 { total: 12 }
