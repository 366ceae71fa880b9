import { openAerospikeRecords } from '@millrace/aerospike';
import { openPublisher } from '@millrace/core';

import { type Example, runIfMain, shown } from './example.ts';

/** Reads one record, several at a time, and those whose temperature lies in a range. */
export const read: Example = async ({ urlOf, print }) => {
  const url = urlOf('test', 'sensors');
  const publisher = await openPublisher(url);
  for (const [key, temperature] of [
    ['sensor_001', 22],
    ['sensor_002', 25],
    ['sensor_003', 31],
  ] as const) {
    await publisher.publish({ key, value: { temperature, humidity: 60, location: 'warehouse_a' } });
  }
  await publisher.close();

  const records = await openAerospikeRecords(url);
  const one = await records.get('sensor_001');
  print(`sensor_001: generation ${one?.generation}, temperature ${shown(one?.bins['temperature'])}`);

  const keys = ['sensor_001', 'sensor_002', 'sensor_999'];
  for (const [at, record] of (await records.getMany(keys)).entries()) {
    print(`${keys[at]}: ${record === undefined ? 'not found' : shown(record.bins['temperature'])}`);
  }

  // Integers only: the index has no doubles, so 23.5 would not be found.
  await records.createIndex({ bin: 'temperature', name: 'temp_idx', type: 'integer' });
  const bins = ['temperature', 'humidity', 'location'];
  const found: string[] = [];
  for await (const record of records.query({ bin: 'temperature', between: [20, 25] }, { bins })) {
    found.push(`${shown(record.key)}: ${shown(record.bins['temperature'])} in ${shown(record.bins['location'])}`);
  }
  for (const line of found.toSorted((a, b) => a.localeCompare(b))) print(line);
  await records.close();
};

await runIfMain(import.meta.main, read);
