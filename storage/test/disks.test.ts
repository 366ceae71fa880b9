import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { type Disk, nodeDisk, readSmallFile, replaceFile, SimulatedDisk, StorageError } from '../src/index.ts';

const DISKS: Readonly<Record<string, () => Disk>> = { real: nodeDisk, simulated: () => new SimulatedDisk() };

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describe.each(Object.entries(DISKS))('the %s disk', (_, newDisk) => {
  it('reads what was written at a position, and fewer bytes at the end', async () => {
    const disk = newDisk();
    const file = await disk.open(join(await newDirectory(), 'a'), 'create');
    // Above and below the size that is written on the calling thread.
    const large = Buffer.alloc(300_000, 'L');
    await file.write(large, large.length, 5);
    await file.write(Buffer.from('start and more'), 5, 0);
    await file.sync();
    const target = Buffer.alloc(400_000);
    expect(await file.size()).toBe(300_005);
    expect(await file.read(target, 400_000, 0)).toBe(300_005);
    expect(target.subarray(0, 300_005).toString()).toBe(`start${'L'.repeat(300_000)}`);
    expect(await file.read(target, 10, 300_005)).toBe(0);
    await file.truncate(7);
    expect(await file.size()).toBe(7);
    await file.close();
    await file.close();
    await expect(file.size()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('says which file is missing or in the way', async () => {
    const disk = newDisk();
    const path = join(await newDirectory(), 'a');
    await expect(disk.open(path, 'read')).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await expect(disk.unlink(path)).rejects.toMatchObject({ code: 'FILE_MISSING' });
    await (await disk.open(path, 'create')).close();
    await expect(disk.open(path, 'create')).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  });

  it('lists, renames, removes', async () => {
    const disk = newDisk();
    const directory = join(await newDirectory(), 'deeper');
    await disk.mkdir(directory);
    await disk.mkdir(directory);
    for (const name of ['a', 'b', 'c']) await (await disk.open(join(directory, name), 'create')).close();
    await disk.rename(join(directory, 'a'), join(directory, 'b'));
    await disk.unlink(join(directory, 'c'));
    await disk.syncDirectory(directory);
    expect(await disk.list(directory)).toEqual(['b']);
  });

  it('replaces a small file as a whole', async () => {
    const disk = newDisk();
    const path = join(await newDirectory(), 'settings.json');
    expect(await readSmallFile(disk, path)).toBeUndefined();
    await replaceFile(disk, path, Buffer.from('one'));
    await (await disk.open(`${path}.tmp`, 'create')).close();
    await replaceFile(disk, path, Buffer.from('two'));
    expect(String(await readSmallFile(disk, path))).toBe('two');
  });
});

it('makes a directory only where a directory can be', async () => {
  const parent = await newDirectory();
  await writeFile(join(parent, 'file'), '');
  await expect(nodeDisk().mkdir(join(parent, 'file'))).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  await expect(nodeDisk().mkdir(join(parent, 'missing', 'deep'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

it('replaces a small file so that a power cut leaves the old content or the new', async () => {
  const seen = new Set<string>();
  for (let cut = 0; cut < 60; cut++) {
    const disk = new SimulatedDisk();
    await replaceFile(disk, '/d/f', Buffer.from('old'.repeat(500)));
    let operations = cut % 12;
    disk.onOperation = () => {
      if (operations-- <= 0) throw new StorageError('DISK_FAILED', 'the power is gone');
    };
    await replaceFile(disk, '/d/f', Buffer.from('new'.repeat(500))).catch(() => undefined);
    disk.powerCut(Math.random);
    disk.onOperation = undefined;
    const content = String(await readSmallFile(disk, '/d/f'));
    expect(content).toHaveLength(1500);
    seen.add(content.slice(0, 3));
  }
  expect([...seen].toSorted()).toEqual(['new', 'old']);
});
