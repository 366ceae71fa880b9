import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOwner, removeOwner, writeOwner } from '../src/owner-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-owner-'));
});
afterEach(() => rm(directory, { recursive: true }));

const owner = { pid: process.pid, url: 'http://127.0.0.1:8080', startedAt: 1, adminToken: 'secret' };

describe('owner file', () => {
  it('is read back as written, and only its user can read it', async () => {
    await writeOwner(directory, owner);
    expect(await readOwner(directory)).toEqual(owner);
    expect((await stat(join(directory, 'owner.json'))).mode & 0o777).toBe(0o600);
  });

  it('of a process that is gone counts as none', async () => {
    await writeOwner(directory, { ...owner, pid: 2 ** 22 + 1 });
    expect(await readOwner(directory)).toBeUndefined();
  });

  it('is removed by its own process only', async () => {
    await writeOwner(directory, { ...owner, pid: 1 });
    await removeOwner(directory);
    expect(await readOwner(directory)).toMatchObject({ pid: 1 });
    await writeOwner(directory, owner);
    await removeOwner(directory);
    expect(await readOwner(directory)).toBeUndefined();
  });

  it('that is none is an error with its path', async () => {
    await writeFile(join(directory, 'owner.json'), '{');
    await expect(readOwner(directory)).rejects.toThrow(/owner\.json cannot be read: it is not JSON/);
  });
});
