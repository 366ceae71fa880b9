import { SimulatedDisk } from '@millrace/storage';
import { readWhole } from '@millrace/testkit';
import { expect, it } from 'vitest';

import type { EmbeddedEventLog } from '../src/event-log.ts';
import { CollectedLog, DAY, openSimulatedLog } from './event-log-fixtures.ts';

const SEGMENT_BYTES = 10_000;

/** Appends calls of one record that fill about one segment. */
async function fillSegment(log: EmbeddedEventLog): Promise<void> {
  for (let i = 0; i < 9; i++) await log.append([{ partition: i % 3, value: Buffer.alloc(1000, i) }]);
}

const releaseAll = async (log: EmbeddedEventLog, group: string, below: number): Promise<void> => {
  await Promise.all([0, 1, 2].map((partition) => log.release(group, partition, below)));
};

it('removes segments whose last record is too old, and never the one that is written to', async () => {
  const disk = new SimulatedDisk();
  let time = 1_700_000_000_000;
  const log = await openSimulatedLog(disk, { segmentBytes: SEGMENT_BYTES, now: () => time });
  await fillSegment(log);
  await fillSegment(log);
  time += DAY - 1000;
  await fillSegment(log);
  expect((await log.bounds(0)).earliest).toBe(0);
  time += 2000;
  await fillSegment(log);
  const { earliest } = await log.bounds(0);
  expect(earliest).toBeGreaterThanOrEqual(9);
  expect(earliest).toBeLessThanOrEqual(18);
  await expect(log.read(0, 0, 1000)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  time += 10 * DAY;
  await log.close();
  const again = await openSimulatedLog(disk, { segmentBytes: SEGMENT_BYTES, now: () => time });
  expect(again.statistics().segments).toBe(1);
  expect((await again.bounds(0)).next).toBe(36);
});

it('keeps what a group has not released, over a restart too, and removes it afterwards', async () => {
  const disk = new SimulatedDisk();
  let time = 1_700_000_000_000;
  const options = { segmentBytes: SEGMENT_BYTES, now: () => time };
  let log = await openSimulatedLog(disk, options);
  await readWhole(log, { group: 'unrelated', start: async () => 'latest' });
  for (let i = 0; i < 4; i++) await fillSegment(log);
  await releaseAll(log, 'quick', 36);
  await log.release('slow', 0, 36);
  await log.release('slow', 1, 36);
  time += 2 * DAY;
  await log.close();
  log = await openSimulatedLog(disk, options);
  expect((await log.bounds(0)).earliest).toBe(0);
  await log.release('slow', 2, 20);
  const { earliest } = await log.bounds(0);
  expect(earliest).toBeGreaterThan(0);
  expect(earliest).toBeLessThanOrEqual(20);
  await log.release('slow', 2, 36);
  expect((await log.bounds(0)).earliest).toBeGreaterThan(earliest);
});

it('removes unreleased records when the size limit forces it, says so, and a consumer learns what it lost', async () => {
  const disk = new SimulatedDisk();
  const logger = new CollectedLog();
  const log = await openSimulatedLog(disk, { segmentBytes: SEGMENT_BYTES, maxBytes: 3 * SEGMENT_BYTES, logger });
  await releaseAll(log, 'slow', 0);
  for (let i = 0; i < 6; i++) await fillSegment(log);
  await expect.poll(() => log.statistics().bytes).toBeLessThanOrEqual(3 * SEGMENT_BYTES);
  expect(log.statistics().forcedRemovals).toBeGreaterThanOrEqual(3);
  expect(logger.warnings[0]?.details).toMatchObject({ groups: ['slow'], from: 0 });
  const { earliest } = await log.bounds(0);
  const { records, damage, calls } = await readWhole(log, { group: 'slow', start: async () => 0 });
  expect(damage).toMatchObject([{ from: 0, to: earliest, reason: 'removed by the size limit' }]);
  expect(calls[0]!.map((batch) => batch.from)).toEqual([0, 0, 0]);
  expect(Math.min(...records.map(({ offset }) => offset))).toBe(earliest);
  expect(records).toHaveLength(54 - earliest);
});

it('tells a running consumer what was removed before it came there', async () => {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk, { segmentBytes: SEGMENT_BYTES, maxBytes: 3 * SEGMENT_BYTES });
  await fillSegment(log);
  const stop = new AbortController();
  const seen: number[] = [];
  const lost: (readonly [number, number])[] = [];
  await log.consume('slow', {
    start: async () => 'earliest',
    maxBytes: 2000,
    signal: stop.signal,
    handle: async (batches) => {
      if (seen.length === 0) {
        for (let i = 0; i < 6; i++) await fillSegment(log);
        await expect.poll(() => log.statistics().bytes).toBeLessThanOrEqual(3 * SEGMENT_BYTES);
      }
      for (const batch of batches) {
        seen.push(...batch.records.map(({ offset }) => offset));
        lost.push(...(batch.damage ?? []).map(({ from, to }) => [from, to] as const));
      }
      if (batches[0]!.to === 63) stop.abort();
    },
  });
  expect(lost).toHaveLength(1);
  const [from, to] = lost[0]!;
  const missing = Array.from({ length: to - from }, (_, i) => from + i);
  expect([...seen, ...missing].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 63 }, (_, i) => i));
});

it('makes room on a full disk by what a group releases, although that can not be saved', async () => {
  const disk = new SimulatedDisk();
  let time = 1_700_000_000_000;
  const logger = new CollectedLog();
  const log = await openSimulatedLog(disk, { segmentBytes: SEGMENT_BYTES, now: () => time, logger });
  await releaseAll(log, 'group', 0);
  for (let i = 0; i < 3; i++) await fillSegment(log);
  time += 2 * DAY;
  disk.capacity = 0;
  const record = { partition: 0, value: Buffer.alloc(5000) };
  await expect(log.append([record])).rejects.toMatchObject({ code: 'LOG_FULL' });
  disk.capacity = [...disk.files().values()].reduce((sum, size) => sum + size);
  await releaseAll(log, 'group', 27);
  await log.append([record]);
  // Said once, and not for each of the partitions.
  const begins = { message: 'what a consumer released could not be saved', details: { err: { code: 'LOG_FULL' } } };
  expect(logger.warnings).toMatchObject([begins]);
  // Nothing is saved by this one.
  await releaseAll(log, 'group', 27);
  expect(logger.warnings).toHaveLength(1);
  disk.capacity = Infinity;
  await releaseAll(log, 'group', 28);
  const ends = { message: 'what consumers release can be saved again', details: { failures: 3 } };
  expect(logger.warnings).toMatchObject([begins, ends]);
});
