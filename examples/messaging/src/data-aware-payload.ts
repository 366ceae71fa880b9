// A payload that names its destination, carries a context beside it, and has a priority.
import { DataAwarePayload, openPublisher, openSubscriber } from '@millrace/core';

const payload = new DataAwarePayload({ destination: 'memory://queue/orders', payload: { total: 12 }, priority: 2 });
console.log(JSON.stringify(payload));
payload.addToCde('trace', 'a1');

const [destination, value] = payload.forPublication();
const publisher = await openPublisher(destination);
await publisher.publish({ value });
await publisher.close();
const subscriber = await openSubscriber(destination);
console.log((await subscriber.next())?.value);
await subscriber.close();

// Prints:
// {"destination":"memory://queue/orders","cde":{},"payload":{"total":12},"dag_priority":2}
// { cde: { trace: 'a1' }, payload: { total: 12 } }
