import { describe, expect, it } from 'vitest';

import { FrameGroup, listSegments, SegmentLog, segmentPath, SimulatedDisk } from '../src/index.ts';

const DIRECTORY = '/log';
const SEGMENT_BYTES = 1000;
const NOW = 1_700_000_000_000;

const open = (disk: SimulatedDisk): Promise<SegmentLog> =>
  SegmentLog.open({ disk, directory: DIRECTORY, segmentBytes: SEGMENT_BYTES });

/** Records of 100 bytes. */
function groupOf(records: number): FrameGroup {
  const group = new FrameGroup();
  for (let record = 0; record < records; record++) {
    const at = group.reserve(100);
    group.buffer.fill(record, at, at + 100);
    group.added(at + 100);
  }
  return group;
}

const write = (log: SegmentLog, records: number): Promise<void> => log.write(groupOf(records), NOW);

describe('a directory of segments', () => {
  it('goes on after a restart where it ended', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    expect(log.durable).toEqual({ offset: 0, segment: 0, position: 0 });
    await write(log, 3);
    await write(log, 2);
    const { durable } = log;
    expect(durable).toMatchObject({ offset: 5, segment: 0 });
    await log.close(NOW);
    const again = await open(disk);
    expect(again.durable).toMatchObject({ offset: 5, segment: 0 });
    expect(again.recovered).toEqual({ cutBytes: 0, damaged: 0 });
    // The mark of the orderly end is all that was added.
    expect(again.durable.position).toBeGreaterThan(durable.position);
  });

  it('begins a segment, named by its first offset, before one would pass its size', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    for (const records of [5, 5, 1, 30, 1]) await write(log, records);
    expect(log.segments.map(({ base }) => base)).toEqual([0, 5, 11, 41]);
    expect(await listSegments(disk, DIRECTORY)).toEqual([0, 5, 11, 41]);
    expect(log.segments.filter(({ bytes }) => bytes > SEGMENT_BYTES).map(({ base }) => base)).toEqual([11]);
  });

  it('removes the oldest segments, also one that is gone already, and never the last', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    for (const records of [9, 9, 9]) await write(log, records);
    await disk.unlink(segmentPath(DIRECTORY, 0));
    for (let i = 0; i < 5; i++) await log.removeOldest();
    expect(await listSegments(disk, DIRECTORY)).toEqual([18]);
    await write(log, 9);
    expect(log.durable.offset).toBe(36);
  });

  it('takes back what a full disk let through of a group, and takes the next one', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    await write(log, 2);
    const { durable } = log;
    disk.capacity = durable.position + 150;
    await expect(write(log, 3)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(disk.files().get(segmentPath(DIRECTORY, 0))).toBe(durable.position);
    disk.capacity = Infinity;
    await write(log, 1);
    expect(log.durable.offset).toBe(3);
  });

  it('writes nothing more after a failed sync, and tells the truth when it is opened again', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    await write(log, 2);
    disk.failSync();
    await expect(write(log, 3)).rejects.toMatchObject({ code: 'DISK_FAILED' });
    await expect(write(log, 1)).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect(log.failure).toMatchObject({ code: 'DISK_FAILED' });
    disk.powerCut(() => 0.9);
    expect((await open(disk)).durable.offset).toBe(2);
  });

  it('cuts a torn tail, and keeps damage below what was durable', async () => {
    const disk = new SimulatedDisk();
    const log = await open(disk);
    await write(log, 2);
    const { position } = log.durable;
    await write(log, 2);
    await write(log, 2);
    const size = log.durable.position;
    disk.flipBit(segmentPath(DIRECTORY, 0), position + 60);
    const file = await disk.open(segmentPath(DIRECTORY, 0), 'write');
    await file.write(Buffer.alloc(500, 7), 500, size);
    const again = await open(disk);
    expect(again.recovered).toEqual({ cutBytes: 500, damaged: 1 });
    expect(again.durable).toEqual({ offset: 6, segment: 0, position: size });
  });
});
