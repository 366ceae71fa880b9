import { openAerospikeRecords } from '@millrace/aerospike';
import { openPublisher } from '@millrace/core';

import { type Example, runIfMain } from './example.ts';

/** A session that the database forgets after an hour. The namespace needs `nsup-period`. */
export const timeToLive: Example = async ({ urlOf, print }) => {
  const url = urlOf('sessions', 'expiring');
  const publisher = await openPublisher(url, { ttl_seconds: 3600 });
  await publisher.publish({ key: 'session_1', value: { user_id: 'user_001' } });
  await publisher.publish({ key: 'session_2', value: { user_id: 'user_002', __ttl_seconds: 60 } });
  await publisher.close();
  const records = await openAerospikeRecords(url);
  for (const record of await records.getMany(['session_1', 'session_2'])) print(`TTL: ${record?.ttlSeconds} seconds`);
  await records.close();
};

await runIfMain(import.meta.main, timeToLive);
