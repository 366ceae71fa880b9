import { openAerospikeRecords, splitRecord } from '@millrace/aerospike';
import { openPublisher } from '@millrace/core';

import { type Example, runIfMain, shown } from './example.ts';

/** A text of 2,000,000 characters, which no record takes, as 20 records of 100,000. */
export const splitLargeRecord: Example = async ({ urlOf, print }) => {
  const text = 'x'.repeat(2_000_000);
  const url = urlOf('test', 'large');
  const publisher = await openPublisher(url);
  const parts = splitRecord('data', text);
  await Promise.all(parts.map((part) => publisher.publish(part)));
  await publisher.close();
  const records = await openAerospikeRecords(url);
  const found = await records.getMany(parts.map(({ key }) => key));
  await records.close();
  const whole = found.map((record) => shown(record?.bins['data'])).join('');
  print(`${parts.length} records, from ${parts[0]!.key} to ${parts.at(-1)!.key}; read back whole: ${whole === text}`);
};

await runIfMain(import.meta.main, splitLargeRecord);
