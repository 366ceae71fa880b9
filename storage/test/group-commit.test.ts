import { expect, it } from 'vitest';

import { GroupCommit, SegmentLog, SimulatedDisk, type StorageError, type Waiter } from '../src/index.ts';

async function openCommit(disk: SimulatedDisk) {
  const log = await SegmentLog.open({ disk, directory: '/log', segmentBytes: 1e9 });
  const groups: number[] = [];
  const commit = new GroupCommit({
    log,
    now: () => 1_700_000_000_000,
    maxPendingBytes: 8 * 1024 * 1024,
    onDurable: ({ records }) => groups.push(records),
  });
  /** One record of so many bytes; resolves with the offset of its group. */
  const append = (bytes: number): Promise<number> => {
    const group = commit.group();
    const at = group.reserve(bytes);
    group.added(at + bytes);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { durable: resolve, failed: (error: StorageError) => reject(error) };
      commit.wait(waiter);
    });
  };
  return { log, commit, groups, append };
}

it('writes what is appended in one turn with one sync, and what comes meanwhile with the next', async () => {
  const disk = new SimulatedDisk();
  const { log, groups, append } = await openCommit(disk);
  let syncs = 0;
  const later: Promise<number>[] = [];
  disk.onOperation = (operation) => {
    if (operation !== 'sync' || syncs++ > 0) return;
    for (let i = 0; i < 5; i++) later.push(append(10));
  };
  expect(await Promise.all(Array.from({ length: 10 }, () => append(10)))).toEqual(Array(10).fill(0));
  expect(await Promise.all(later)).toEqual(Array(5).fill(10));
  expect([groups, syncs, log.durable.offset]).toEqual([[10, 5], 2, 15]);
});

it('tells all of a group that failed, and writes the next one', async () => {
  const disk = new SimulatedDisk();
  const { log, append, commit } = await openCommit(disk);
  disk.capacity = 50;
  const refused = await Promise.allSettled([append(100), append(100)]);
  expect(refused).toMatchObject([{ reason: { code: 'DISK_FULL' } }, { reason: { code: 'DISK_FULL' } }]);
  disk.capacity = Infinity;
  expect(await append(100)).toBe(0);
  await commit.drained();
  expect(log.durable.offset).toBe(1);
});

it('refuses more than may wait, and is drained when all that it took is written', async () => {
  const disk = new SimulatedDisk();
  const { log, append, commit } = await openCommit(disk);
  const results = Promise.allSettled(Array.from({ length: 20 }, async () => append(1024 * 1024)));
  await commit.drained();
  const taken = (await results).filter(({ status }) => status === 'fulfilled').length;
  expect(log.durable.offset).toBe(taken);
  for (const result of await results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'TOO_MANY_PENDING' });
  expect(taken).toBeGreaterThanOrEqual(8);
  expect(taken).toBeLessThan(20);
});
