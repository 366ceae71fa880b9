// Values that carry their key in a field: the publisher takes it out.
import { openPublisher, openSubscriber } from '@millrace/core';

const publisher = await openPublisher('memory://queue/users', { key_field: '__dagserver_key' });
const subscriber = await openSubscriber('memory://queue/users');
await publisher.publish({ value: { __dagserver_key: 'user_12345', name: 'Alice', age: 30 } });
console.log(await subscriber.next());
await publisher.close();
await subscriber.close();

// Prints:
// { key: 'user_12345', value: { name: 'Alice', age: 30 } }
