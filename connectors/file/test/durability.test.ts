import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher } from '@millrace/core';
import { SimulatedDisk } from '@millrace/storage';
import { afterEach, expect, it, vi } from 'vitest';
import { PositionFile } from '../src/position-file.ts';

afterEach(() => vi.restoreAllMocks());

it('keeps a position that was acknowledged over a power cut, and never half of one', async () => {
  for (const survives of [0, 0.2, 0.4, 0.6, 0.8, 0.99]) {
    const disk = new SimulatedDisk();
    const positions = new PositionFile('/data/orders.position', disk);
    const file = { ino: 7, size: 1000 };
    await positions.write(file, 10);
    await positions.write(file, 20);
    disk.powerCut(() => survives);
    expect(await positions.read(file)).toBe(20);
    // Cut at each step of the next one.
    for (let step = 1; step <= 9; step++) {
      let operations = 0;
      disk.onOperation = () => {
        if (++operations > step) throw new Error('the power is gone');
      };
      const written = await positions.write(file, 30).then(
        () => true,
        () => false,
      );
      disk.onOperation = undefined;
      disk.powerCut(() => survives);
      expect(written ? [30] : [20, 30]).toContain(await positions.read(file));
      await positions.write(file, 20);
    }
  }
});

it('makes the names of a new file and its folders durable too, with fsync', async () => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-file-'));
  const synced: string[] = [];
  const fs = (await import('node:fs')).default;
  const { fsync } = fs;
  vi.spyOn(fs, 'fsync').mockImplementation((descriptor, done) => {
    const { ino, dev } = fs.fstatSync(descriptor);
    synced.push(`${dev}:${ino}`);
    fsync(descriptor, done);
  });
  const publisher = await openPublisher(`file://${join(root, 'a', 'b', 'orders.jsonl')}?fsync=true`);
  await publisher.publish({ value: 1 });
  await publisher.close();
  const identities = [join(root, 'a', 'b'), join(root, 'a'), root].map(async (folder) => {
    const { ino, dev } = await stat(folder);
    return `${dev}:${ino}`;
  });
  expect(synced).toEqual(await Promise.all(identities));
  await rm(root, { recursive: true });
});
