import type { Client } from 'aerospike';

import { type AerospikeConnection, commitLevelOf, type Driver } from '../client.ts';
import type { EncodedRecord } from './message.ts';
import type { PublisherValues } from './options.ts';

export type WriteRules = Pick<PublisherValues, 'writeMode' | 'generationPolicy' | 'sendKey' | 'maxRetries'>;

type RowPolicy = NonNullable<Parameters<Client['batchWrite']>[0][number]['policy']>;

export interface WritePolicies {
  readonly batch: InstanceType<Driver['BatchPolicy']>;
  ofRow(record: EncodedRecord): RowPolicy;
  ofPut(record: EncodedRecord): InstanceType<Driver['WritePolicy']>;
}

/** The client's policies for what the options say. */
export function writePolicies(
  { driver, address }: AerospikeConnection,
  { writeMode, generationPolicy, sendKey, maxRetries }: WriteRules,
): WritePolicies {
  const { policy } = driver;
  const { totalTimeout, socketTimeout } = address;
  const time = { totalTimeout, socketTimeout };
  const write = {
    exists: {
      merge: policy.exists.IGNORE,
      replace: policy.exists.CREATE_OR_REPLACE,
      create: policy.exists.CREATE,
      update: policy.exists.UPDATE,
    }[writeMode],
    key: sendKey ? policy.key.SEND : policy.key.DIGEST,
    commitLevel: commitLevelOf(driver, address),
  };
  // What depends on the record as it was cannot be repeated by the client, which does not look.
  const once = { ...time, ...write, maxRetries: 0 };
  const gen = generationPolicy === 'gt' ? policy.gen.GT : policy.gen.EQ;
  const plain = new driver.WritePolicy({ ...once, maxRetries: writeMode === 'create' ? 0 : maxRetries });
  const conditional = new driver.WritePolicy({ ...once, gen });
  const rows = new Map<number, RowPolicy>();
  return {
    batch: new driver.BatchPolicy({ ...time, maxRetries, respondAllKeys: true }),
    ofRow: ({ ttl }) => {
      let row = rows.get(ttl);
      // Few times to live are in use as a rule; others need not stay.
      if (row === undefined && rows.size > 1000) rows.clear();
      if (row === undefined) rows.set(ttl, (row = new driver.BatchWritePolicy({ ...write, ttl })));
      return row;
    },
    ofPut: ({ generation }) => (generation === undefined ? plain : conditional),
  };
}
