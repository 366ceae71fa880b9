import { expect, it } from 'vitest';

import { SimulatedDisk } from '../src/index.ts';

const SECTOR = 512;
const lose = (): number => 0;
const keep = (): number => 0.99;

/** Content of the file, or undefined when there is none. */
async function contentOf(disk: SimulatedDisk, path: string): Promise<string | undefined> {
  const size = disk.files().get(path);
  if (size === undefined) return undefined;
  const file = await disk.open(path, 'read');
  const content = Buffer.alloc(size);
  await file.read(content, size, 0);
  return content.toString('latin1');
}

async function write(disk: SimulatedDisk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await file.write(Buffer.from(content), content.length, 0);
  await file.sync();
  await disk.syncDirectory('/d');
}

it('keeps what was synced, in any power cut', async () => {
  for (const random of [lose, keep, Math.random]) {
    const disk = new SimulatedDisk();
    await write(disk, '/d/a', 'x'.repeat(2000));
    disk.powerCut(random);
    expect(await contentOf(disk, '/d/a')).toBe('x'.repeat(2000));
  }
});

it('loses any of the unsynced sectors, so that a later one may survive an earlier one', async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const disk = new SimulatedDisk();
    await write(disk, '/d/a', '-'.repeat(3 * SECTOR));
    const file = await disk.open('/d/a', 'write');
    await file.write(Buffer.alloc(3 * SECTOR, '+'), 3 * SECTOR, 0);
    disk.powerCut(Math.random);
    const content = (await contentOf(disk, '/d/a'))!;
    const sectors = [0, 1, 2].map((sector) => content.slice(sector * SECTOR, (sector + 1) * SECTOR));
    expect(sectors.every((sector) => new Set(sector).size === 1)).toBe(true);
    seen.add(sectors.map((sector) => sector[0]).join(''));
  }
  expect(seen.size).toBe(8);
});

it('loses names that no directory sync has made durable', async () => {
  const disk = new SimulatedDisk();
  const file = await disk.open('/d/new', 'create');
  await file.sync();
  await write(disk, '/d/old', 'old');
  await write(disk, '/d/gone', 'gone');
  await (await disk.open('/d/next', 'create')).sync();
  await disk.rename('/d/next', '/d/old');
  await disk.unlink('/d/gone');
  expect(await contentOf(disk, '/d/old')).toBe('');
  disk.powerCut(keep);
  expect([...disk.files().keys()].toSorted()).toEqual(['/d/gone', '/d/new', '/d/old']);
  expect(await contentOf(disk, '/d/old')).toBe('old');
});

it('makes every open file unusable when the power goes', async () => {
  const disk = new SimulatedDisk();
  const file = await disk.open('/d/a', 'create');
  disk.powerCut(lose);
  await expect(file.size()).rejects.toMatchObject({ code: 'DISK_FAILED' });
});

it('fills up, after writing what still fits', async () => {
  const disk = new SimulatedDisk({ capacity: 10 });
  const file = await disk.open('/d/a', 'create');
  await expect(file.write(Buffer.alloc(20, 'x'), 20, 0)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(await contentOf(disk, '/d/a')).toBe('x'.repeat(10));
  await file.truncate(0);
  await file.write(Buffer.alloc(5), 5, 0);
});

it('drops the bytes of a sync that failed, even when the next one succeeds', async () => {
  const disk = new SimulatedDisk();
  await write(disk, '/d/a', 'old');
  const file = await disk.open('/d/a', 'write');
  await file.write(Buffer.from('new'), 3, 0);
  disk.failSync();
  await expect(file.sync()).rejects.toMatchObject({ code: 'DISK_FAILED' });
  await file.sync();
  disk.powerCut(keep);
  expect(await contentOf(disk, '/d/a')).toBe('old');
});
