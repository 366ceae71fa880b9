// Each message goes where its content says; what no route is known for goes to a file of dead letters.
import { readFile } from 'node:fs/promises';
import { createPublisher, RouterPublisher } from '@millrace/core';

const router = new RouterPublisher('orders', {
  resolver: ({ value }) => (value as { country: string }).country,
  routes: {
    PL: await createPublisher('warsaw', { destination: 'file:PL.jsonl' }),
    DE: await createPublisher('berlin', { destination: 'file:DE.jsonl' }),
  },
});
await router.start();
for (const country of ['PL', 'DE', 'FR', 'PL']) await router.publish({ value: { country } });
await router.close();
const { routed_count, unrouted_count, routing_efficiency } = router.details();
console.log({ routed_count, unrouted_count, routing_efficiency });
const { timestamp: _, ...letter } = JSON.parse(await readFile('unrouted_pub_orders.jsonl', 'utf8')) as {
  timestamp: string;
};
console.log(letter);

// Prints:
// { routed_count: 3, unrouted_count: 1, routing_efficiency: 75 }
// {
//   router_name: 'orders',
//   routing_key: 'FR',
//   available_keys: [ 'PL', 'DE' ],
//   data: { country: 'FR' }
// }
