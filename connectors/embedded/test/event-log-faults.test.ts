import { MillraceError } from '@millrace/core';
import { SimulatedDisk, StorageError } from '@millrace/storage';
import { readWhole } from '@millrace/testkit';
import { expect, it } from 'vitest';

import { openSimulatedLog } from './event-log-fixtures.ts';

const record = (size: number): { partition: number; value: Buffer } => ({ partition: 0, value: Buffer.alloc(size, 1) });

it('answers LOG_FULL while the disk is full, writes nothing, and goes on once there is room', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk);
  await log.append([record(1000)]);
  const before = disk.files();
  disk.capacity = [...before.values()].reduce((sum, size) => sum + size) + 500;
  await expect(log.append([record(1000)])).rejects.toMatchObject({ code: 'LOG_FULL', retry: true });
  expect(disk.files()).toEqual(before);
  // What still fits is taken, and what waits behind a refused group is not held up.
  const results = await Promise.allSettled([log.append([record(100)]), log.append([record(100)])]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  disk.capacity = Infinity;
  const [position] = await log.append([record(1000)]);
  expect(position!.offset).toBe(3);
  expect((await readWhole(log)).records.map(({ value }) => value.length)).toEqual([1000, 100, 100, 1000]);
});

it('answers LOG_FULL when no segment can be begun, and begins it later', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk, { segmentBytes: 2000 });
  await log.append([record(1500)]);
  disk.onOperation = (operation) => {
    if (operation === 'syncDirectory') throw new StorageError('DISK_FULL', 'no space left');
  };
  await expect(log.append([record(1500)])).rejects.toMatchObject({ code: 'LOG_FULL' });
  disk.onOperation = undefined;
  await log.append([record(1500)]);
  expect(log.statistics().segments).toBe(2);
  await log.close();
  expect((await readWhole(await openSimulatedLog(disk))).records).toHaveLength(2);
});

it('refuses everything after a failed fdatasync until it is opened again, and keeps what was acknowledged', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk);
  await log.append([record(10)]);
  disk.failSync();
  await expect(log.append([record(20)])).rejects.toMatchObject({ code: 'LOG_FAILED', retry: false });
  await expect(log.append([record(30)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
  // Readers do not see what is in doubt.
  expect((await readWhole(log)).records.map(({ value }) => value.length)).toEqual([10]);
  await log.close();
  disk.powerCut(() => 0);
  const again = await openSimulatedLog(disk);
  expect((await readWhole(again)).records[0]!.value.length).toBe(10);
  await again.append([record(40)]);
});

it('closes on a full disk', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk);
  await log.append([record(10)]);
  disk.capacity = 0;
  await log.close();
});

it('answers QUEUE_FULL when callers are faster than the disk, and takes all that it did not refuse', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk);
  const large = Array.from({ length: 5 }, () => record(1024 * 1024));
  const settled = await Promise.allSettled(Array.from({ length: 20 }, () => log.append(large)));
  const refused = settled.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'QUEUE_FULL', retry: true });
  expect((await log.bounds(0)).next).toBe((20 - refused.length) * 5);
});

it('asks less and less often while a commit gap stays, and ends at once when told to', async () => {
  const log = await openSimulatedLog(new SimulatedDisk());
  await log.append([record(10)]);
  const stop = new AbortController();
  const asked: number[] = [];
  const consuming = log.consume('processor', {
    start: async (partition) => {
      if (partition === 0) asked.push(performance.now());
      return 'earliest';
    },
    handle: async () => {
      if (asked.length === 6) setImmediate(() => stop.abort());
      throw new MillraceError('COMMIT_GAP', 'something is missing');
    },
    signal: stop.signal,
  });
  await consuming;
  expect(asked).toHaveLength(6);
  // Timers never fire early: 10 + 20 + 40 + 80 + 160 ms, less their rounding.
  expect(asked[5]! - asked[0]!).toBeGreaterThan(300);
});
