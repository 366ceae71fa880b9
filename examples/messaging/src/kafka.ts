// Messages through a topic of Kafka: KAFKA_SERVER says where it is. Equal keys keep their order; here a field is the key.
import { openPublisher, openSubscriber } from '@millrace/core';

const url = `kafka://${process.env['KAFKA_SERVER'] ?? 'localhost:9092'}/orders`;
const publisher = await openPublisher(url, { partition_key: 'customer' });
await publisher.publish({ value: { customer: 'alice', total: 12 } });
await publisher.publish({ value: { customer: 'alice', total: 30 } });
await publisher.close();

const billing = await openSubscriber(url, { group: 'billing' });
for (let count = 0; count < 2; count++) {
  const message = await billing.next({ timeoutMs: 20_000 });
  console.log(message?.key, message?.value);
}
await billing.close();

// Every group gets everything, and remembers how far it was.
const audit = await openSubscriber(url, { group: 'audit' });
console.log('audit:', (await audit.next({ timeoutMs: 20_000 }))?.value);
await audit.close();

// Prints:
// alice { customer: 'alice', total: 12 }
// alice { customer: 'alice', total: 30 }
// audit: { customer: 'alice', total: 12 }
