import { open, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { openEventLog } from '@millrace/core';
import { readWhole } from '@millrace/testkit';
import { expect, it } from 'vitest';

import { describeOnKafkaFiles, newTopic, useKafka } from './fixture.ts';

const HEADER_BYTES = 61;
const kafka = useKafka();

/** Overwrites the records of the second batch of partition 0 in the broker's file, behind the broker's back. */
async function damageSecondBatch(topic: string): Promise<void> {
  const directory = await readlink(`/proc/${kafka().pid}/cwd`);
  const file = await open(join(directory, 'data', `${topic}-0`, '00000000000000000000.log'), 'r+');
  const head = Buffer.alloc(HEADER_BYTES);
  await file.read(head, 0, HEADER_BYTES, 0);
  const second = 12 + head.readInt32BE(8);
  await file.write(Buffer.alloc(40, 0xff), 0, 40, second + HEADER_BYTES);
  await file.close();
}

describeOnKafkaFiles('a batch that cannot be parsed', () => {
  it('is reported as damage, and the rest is read', async () => {
    const topic = newTopic();
    const log = await openEventLog(`${kafka().url}/${topic}?linger=0`, { partitions: 2 });
    for (const name of ['first', 'second', 'third']) {
      await log.append(Array.from({ length: 7 }, (_, i) => ({ partition: 0, value: Buffer.from(`${name} ${i}`) })));
    }
    await log.append([{ partition: 1, value: Buffer.from('other') }]);
    await damageSecondBatch(topic);
    const { records, damage } = await readWhole(log);
    expect(damage).toMatchObject([{ from: 7, to: 14 }]);
    const numbers = [0, 1, 2, 3, 4, 5, 6];
    const values = records.map(({ value }) => value.toString());
    expect(values.filter((value) => value !== 'other')).toEqual(
      ['first', 'third'].flatMap((name) => numbers.map((i) => `${name} ${i}`)),
    );
    expect(values).toContain('other');
    expect(await log.read(0, 10, 1000)).toMatchObject({ from: 10, damage: [{ from: 10, to: 14 }] });
    await log.close();
  });
});
