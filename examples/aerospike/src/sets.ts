import { openAerospikeRecords } from '@millrace/aerospike';
import { openPublisher } from '@millrace/core';

import { type Example, runIfMain, shown } from './example.ts';

const SETS = ['active_users', 'inactive_users', 'deleted_users'];

/** One namespace, and users by their state in three sets. */
export const sets: Example = async ({ urlOf, print }) => {
  for (const [at, set] of SETS.entries()) {
    const publisher = await openPublisher(urlOf('users', set));
    await publisher.publish({ key: `user_00${at + 1}`, value: { name: `User ${at + 1}`, status: set.split('_')[0]! } });
    await publisher.close();
    const records = await openAerospikeRecords(urlOf('users', set));
    for await (const { bins } of records.scan()) print(`${set}: ${shown(bins['name'])}`);
    await records.close();
  }
};

await runIfMain(import.meta.main, sets);
