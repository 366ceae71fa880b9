import { endOf, isIntact, SimulatedDisk, readFrames, type FrameHeader } from '@millrace/storage';
import { powerCuts, readWhole } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { openEmbeddedEventLog } from '../src/event-log.ts';
import { CollectedLog, DAY, openSimulatedLog } from './event-log-fixtures.ts';

const FIRST = '/log/0000000000000000.log';
const record = (i: number): { partition: number; value: Buffer } => ({ partition: i % 3, value: Buffer.alloc(90, i) });

/** A closed log with 30 calls of 10 records, each a group of its own, and the frames that it consists of. */
async function writtenDisk(segmentBytes = 2 ** 20): Promise<{ disk: SimulatedDisk; frames: FrameHeader[] }> {
  const disk = new SimulatedDisk();
  const log = await openSimulatedLog(disk, { segmentBytes });
  for (let group = 0; group < 30; group++)
    await log.append(Array.from({ length: 10 }, (_, i) => record(group * 10 + i)));
  await log.close();
  const file = await disk.open(FIRST, 'read');
  const size = await file.size();
  const chunk = await readFrames(file, 0, 0, size, Buffer.alloc(size));
  const frames = chunk.items.flatMap((item) => ('header' in item ? [item.header] : []));
  expect(chunk.items).toHaveLength(frames.length);
  return { disk, frames };
}

describe('damage in the middle', () => {
  it.each([
    ['the body', 40 + 100],
    ['the header', 12],
    ['the length in the header', 9],
    ['the magic', 1],
  ])('loses one frame when %s is hit, reports it once with its place, and reads everything else', async (_, at) => {
    const { disk, frames } = await writtenDisk();
    const hit = frames[7]!;
    disk.flipBit(FIRST, hit.position + at);
    const logger = new CollectedLog();
    const log = await openSimulatedLog(disk, { logger });
    const { records, damage, calls } = await readWhole(log);
    expect(records).toHaveLength(290);
    expect(damage).toHaveLength(1);
    expect(damage[0]).toMatchObject({ from: hit.offset, to: hit.offset + hit.records });
    expect(damage[0]!.place).toBe(`${FIRST}, bytes ${hit.position} to ${endOf(hit)}`);
    expect(damage[0]!.bytes.length).toBe(endOf(hit) - hit.position);
    expect(
      calls
        .flat()
        .filter((batch) => batch.damage !== undefined)
        .map((batch) => batch.partition),
    ).toEqual([0]);
    expect(logger.warnings.map(({ message }) => message)).toContain('a stretch of the log can not be read');
    // The log goes on behind what it already has.
    const [next] = await log.append([record(1)]);
    expect(next!.offset).toBe(300);
  });

  it('is found in a sealed segment too, also at its end', async () => {
    const { disk, frames } = await writtenDisk(6000);
    const last = frames.at(-1)!;
    disk.flipBit(FIRST, last.position + 8);
    disk.flipBit(FIRST, frames[1]!.position + 60);
    const log = await openSimulatedLog(disk);
    const { records, damage } = await readWhole(log);
    expect(damage.map(({ from, to }) => [from, to])).toEqual([
      [frames[1]!.offset, frames[1]!.offset + 10],
      [last.offset, last.offset + 10],
    ]);
    expect(records).toHaveLength(280);
  });

  it('in the last group is told from a torn tail by the mark that closing leaves', async () => {
    const { disk, frames } = await writtenDisk();
    const mark = frames.at(-1)!;
    const last = frames.at(-2)!;
    expect([mark.records, mark.durablePosition]).toEqual([0, endOf(last)]);
    disk.flipBit(FIRST, last.position + 50);
    const log = await openSimulatedLog(disk);
    const { damage } = await readWhole(log);
    expect(damage.map(({ from, to }) => [from, to])).toEqual([[290, 300]]);
    expect((await log.bounds(0)).next).toBe(300);
  });

  it('of many frames is one report, and reading starts behind it', async () => {
    const { disk, frames } = await writtenDisk();
    for (const frame of frames.slice(3, 9)) disk.flipBit(FIRST, frame.position + 5);
    const log = await openSimulatedLog(disk);
    const { damage } = await readWhole(log);
    expect(damage.map(({ from, to }) => [from, to])).toEqual([[frames[3]!.offset, frames[9]!.offset]]);
    const behind = await log.read(0, frames[9]!.offset, 1000);
    expect(behind.records[0]!.offset).toBeLessThan(frames[9]!.offset + 3);
    expect(behind.damage).toBeUndefined();
  });
});

describe('a torn tail', () => {
  it('is cut wherever it is torn, and its offsets are given again', async () => {
    const { disk, frames } = await writtenDisk();
    const last = frames.at(-2)!;
    for (const size of [last.position + 1, last.position + 39, last.position + 41, endOf(last) - 1]) {
      const file = await disk.open(FIRST, 'write');
      await file.truncate(size);
      await file.sync();
      const logger = new CollectedLog();
      const log = await openEmbeddedEventLog({
        directory: '/log',
        disk,
        partitions: 3,
        retentionMs: DAY,
        maxBytes: 1e12,
        logger,
      });
      expect((await log.bounds(0)).next).toBe(290);
      expect((await readWhole(log)).damage).toEqual([]);
      expect(logger.warnings[0]?.details).toMatchObject({ cutBytes: size - last.position, damaged: 0 });
      await log.append(Array.from({ length: 10 }, (_, i) => record(i)));
      expect((await readWhole(log)).records).toHaveLength(300);
      await log.close();
    }
  });

  it('of zeros, as a file system leaves it, is cut', async () => {
    const { disk, frames } = await writtenDisk();
    const file = await disk.open(FIRST, 'write');
    await file.write(Buffer.alloc(5000), 5000, endOf(frames.at(-1)!));
    const log = await openSimulatedLog(disk);
    expect((await log.bounds(0)).next).toBe(300);
    expect((await readWhole(log)).records).toHaveLength(300);
  });
});

it('does not take a header inside a value for a frame', async () => {
  const { disk, frames } = await writtenDisk();
  const source = await disk.open(FIRST, 'read');
  const copy = Buffer.alloc(endOf(frames[0]!));
  await source.read(copy, copy.length, 0);
  expect(isIntact(frames[0]!, copy, 40)).toBe(true);
  const log = await openSimulatedLog(disk);
  const [position] = await log.append([{ partition: 0, value: copy }]);
  await log.append([record(1)]);
  await log.close();
  const size = disk.files().get(FIRST)!;
  // Hit the header of the frame that holds the copy: searching the next frame meets the copy first.
  const file = await disk.open(FIRST, 'read');
  const { items } = await readFrames(file, 0, 0, size, Buffer.alloc(size));
  const hit = items.find(
    (item) => 'header' in item && item.header.offset === position!.offset && item.header.records > 0,
  );
  if (hit === undefined || !('header' in hit)) throw new Error('the frame is not there');
  disk.flipBit(FIRST, hit.header.position + 4);
  const again = await openSimulatedLog(disk);
  const { records, damage } = await readWhole(again);
  expect(damage.map(({ from, to }) => [from, to])).toEqual([[position!.offset, position!.offset + 1]]);
  expect(records).toHaveLength(301);
});

const open = (disk: SimulatedDisk): ReturnType<typeof openEmbeddedEventLog> =>
  openEmbeddedEventLog({
    directory: '/log',
    disk,
    partitions: 3,
    retentionMs: DAY,
    maxBytes: 1e12,
    segmentBytes: 20_000,
  });

describe('power cuts', () => {
  it('lose nothing acknowledged, tear, double, move and reorder nothing', async () => {
    const result = await powerCuts({ rounds: 300, seed: 20_261_121, open });
    expect(result.problems).toEqual([]);
    expect(result.acknowledged).toBeGreaterThan(3000);
  });

  it('would be caught losing records, were the log not synced', async () => {
    const result = await powerCuts({
      rounds: 30,
      seed: 1,
      open: (disk) => {
        const openFile = disk.open.bind(disk);
        disk.open = async (path, mode) => Object.assign(await openFile(path, mode), { sync: async () => undefined });
        return open(disk);
      },
    }).catch((error: unknown) => String(error));
    const problems = typeof result === 'string' ? [result] : result.problems;
    expect(problems.length).toBeGreaterThan(0);
  });
});
