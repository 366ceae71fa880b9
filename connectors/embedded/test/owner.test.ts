import { spawnSync } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { type Owner, readOwner, removeOwner, writeOwner } from '../src/owner.ts';
import { temporaryDirectory } from './fixtures.ts';

const own: Owner = {
  pid: process.pid,
  url: 'http://127.0.0.1:8080',
  startedAt: 1_647_950_700_000,
  adminToken: 'secret',
};

it('an owner is found while it runs, through a file that only its user can read', async () => {
  const path = await temporaryDirectory();
  expect(await readOwner(path)).toBeUndefined();
  await writeOwner(path, { ...own, url: 'http://127.0.0.1:1' });
  await writeOwner(path, own);
  expect(await readOwner(path)).toEqual(own);
  expect((await stat(join(path, 'owner.json'))).mode & 0o777).toBe(0o600);
  await removeOwner(path);
  await removeOwner(path);
  expect(await readdir(path)).toEqual([]);
});

it('an owner whose process is gone is none', async () => {
  const path = await temporaryDirectory();
  const { pid } = spawnSync(process.execPath, ['--version']);
  await writeOwner(path, { ...own, pid });
  expect(await readOwner(path)).toBeUndefined();
});

it('a process does not remove the announcement of another', async () => {
  const path = await temporaryDirectory();
  const parent: Owner = { ...own, pid: process.ppid };
  await writeOwner(path, parent);
  await removeOwner(path);
  expect(await readOwner(path)).toEqual(parent);
});

it('a file that says nothing usable announces nobody', async () => {
  const path = await temporaryDirectory();
  for (const content of ['', '{', 'null', '{"pid":"1","url":"x"}', `{"pid":${process.pid}}`, '{"pid":0,"url":"x"}']) {
    await writeFile(join(path, 'owner.json'), content);
    expect(await readOwner(path)).toBeUndefined();
  }
});
