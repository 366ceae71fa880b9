import { openPublisher } from '@millrace/core';

import { epochSeconds, type Example, runIfMain } from './example.ts';

/** Three publishers with one configuration, each with a namespace of its own. */
export const severalNamespaces: Example = async ({ urlOf, print }) => {
  const shared = { policies: { timeout: 1000, retry: 'POLICY_RETRY_ONCE' } };
  const users = await openPublisher(urlOf('users', 'profiles'), { ...shared, name: 'users' });
  const orders = await openPublisher(urlOf('orders', 'transactions'), { ...shared, name: 'orders' });
  const logs = await openPublisher(urlOf('logs', 'application'), { ...shared, name: 'logs' });
  await users.publish({ value: { __dagserver_key: 'user_001', name: 'Alice', email: 'alice@example.com' } });
  await orders.publish({
    value: { __dagserver_key: 'order_12345', user_id: 'user_001', total: 99.99, status: 'pending' },
  });
  await logs.publish({ value: { __dagserver_key: `log_${epochSeconds()}`, level: 'INFO', message: 'Order created' } });
  for (const publisher of [users, orders, logs]) {
    await publisher.close();
    print(`${publisher.name}: ${publisher.details().publish_count}`);
  }
};

await runIfMain(import.meta.main, severalNamespaces);
