import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { writeOwner } from '@millrace/core';
import { describe, expect, it } from 'vitest';

import { openDataDirectory } from '../src/data-directory.ts';
import type { FormatSupport } from '../src/version.ts';
import { HOLDER, holdInAnotherProcess, temporaryDirectory } from './fixtures.ts';

describe('openDataDirectory', () => {
  it('makes a directory that only its user can enter, with a version stamp', async () => {
    const path = join(await temporaryDirectory(), 'new', 'data');
    const before = Date.now();
    const directory = await openDataDirectory(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    const stamp = JSON.parse(await readFile(join(path, 'version.json'), 'utf8')) as unknown;
    expect(stamp).toEqual(directory.version);
    expect(directory.version).toMatchObject({ format: 1, createdBy: expect.stringMatching(/^millrace \d+\.\d+\.\d+/) });
    expect(Date.parse(directory.version.createdAt)).toBeGreaterThanOrEqual(before);
    await directory.close();
    await directory.close();
    const again = await openDataDirectory(path);
    expect(again.version).toEqual(directory.version);
    await again.close();
  });

  it.runIf(process.platform === 'linux')(
    'is refused where nothing can be made, and does not try for ever',
    async () => {
      await expect(openDataDirectory('/proc/millrace/data')).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('Choose another --data'),
      });
    },
  );

  it('is refused while another process has it, naming process and address, and free once that was killed', async () => {
    const path = await temporaryDirectory();
    const holder = await holdInAnotherProcess(path);
    await expect(openDataDirectory(path)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      message: expect.stringContaining(`in use by process ${holder.pid}. Stop that process first`),
      details: { field: '--data' },
    });
    await writeOwner(path, { pid: holder.pid, url: 'http://127.0.0.1:4711', startedAt: 1, adminToken: 'secret' });
    const refusal = await openDataDirectory(path).catch((error: Error) => error.message);
    expect(refusal).toContain('http://127.0.0.1:4711');
    expect(refusal).not.toContain('secret');
    await holder.kill();
    await (await openDataDirectory(path)).close();
  });

  it('stays locked until the last opener of the process has closed', async () => {
    const path = await temporaryDirectory();
    const first = await openDataDirectory(path);
    const second = await openDataDirectory(path);
    await first.close();
    const probe = spawn(process.execPath, [HOLDER], { env: { ...process.env, DATA_DIRECTORY: path } });
    const errors = probe.stderr.toArray();
    expect(await once(probe, 'exit')).toEqual([1, null]);
    expect((await errors).join('')).toContain('DATA_DIRECTORY_LOCKED');
    await second.close();
    await holdInAnotherProcess(path);
  });

  it('is shared with worker threads of the process, also when one of them dies', async () => {
    const path = await temporaryDirectory();
    const directory = await openDataDirectory(path);
    const worker = new Worker(HOLDER, { env: { ...process.env, DATA_DIRECTORY: path }, stdout: true });
    expect(String(await once(worker.stdout, 'data'))).toBe('open\n');
    await worker.terminate();
    await directory.close();
    await holdInAnotherProcess(path);
  });

  it('has one exclusive holder, under whatever name it is opened', async () => {
    const path = await temporaryDirectory();
    const alias = join(await temporaryDirectory(), 'alias');
    await symlink(path, alias);
    const first = await openDataDirectory(path, { exclusive: 'log' });
    await expect(openDataDirectory(alias, { exclusive: 'log' })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      message: expect.stringContaining(`in use by this process (${process.pid}). Close it first`),
    });
    await (await openDataDirectory(alias)).close();
    await first.close();
    await (await openDataDirectory(alias, { exclusive: 'log' })).close();
  });

  it('makes a lock anew that a power loss has left half made', async () => {
    const path = await temporaryDirectory();
    await (await openDataDirectory(path)).close();
    await truncate(join(path, 'lock', 'process', 'CURRENT'));
    await (await openDataDirectory(path)).close();
  });

  it.each(['file', join('file', 'below')])('refuses %s, which is no directory, naming --data', async (name) => {
    const path = await temporaryDirectory();
    await writeFile(join(path, 'file'), '');
    await expect(openDataDirectory(join(path, name))).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/is not a directory.*--data/),
      details: { field: '--data', value: join(path, name) },
    });
  });

  it.runIf(process.platform === 'linux')('refuses a directory that cannot be written to', async () => {
    await expect(openDataDirectory('/sys/millrace')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/may not be written to.*--data/),
    });
  });
});

const stamped = async (content: string): Promise<string> => {
  const path = await temporaryDirectory();
  await writeFile(join(path, 'version.json'), content);
  return path;
};
const stamp = (format: number): string => JSON.stringify({ format, createdBy: 'millrace 0.0.1', createdAt: 'then' });
const formatOf = async (path: string): Promise<unknown> =>
  (JSON.parse(await readFile(join(path, 'version.json'), 'utf8')) as { format: unknown }).format;

describe('the version stamp', () => {
  it('of a newer format is refused and left alone, and the lock given back', async () => {
    const path = await stamped(stamp(2));
    await expect(openDataDirectory(path)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_VERSION',
      message: expect.stringContaining('Update Millrace'),
    });
    expect(await formatOf(path)).toBe(2);
    await holdInAnotherProcess(await stamped(stamp(1)));
  });

  it('that cannot be read is refused', async () => {
    for (const content of ['', '{"format":', '{"format":"1"}', '{}', 'null']) {
      await expect(openDataDirectory(await stamped(content))).rejects.toMatchObject({ code: 'DATA_DIRECTORY_VERSION' });
    }
  });

  it('is not made up for data that lacks one', async () => {
    const path = await temporaryDirectory();
    await mkdir(join(path, 'log'));
    await expect(openDataDirectory(path)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_VERSION',
      message: expect.stringContaining('holds log but no version.json'),
    });
  });

  it('of an older format is brought forward step by step, each stamped as it is done', async () => {
    const path = await stamped(stamp(1));
    const seen: unknown[] = [];
    let fail = true;
    const supported: FormatSupport = {
      format: 3,
      migrations: [
        {
          from: 2,
          migrate: async (directory) => {
            seen.push([2, await formatOf(directory)]);
            if (fail) throw new Error('no space');
          },
        },
        { from: 1, migrate: async (directory) => void seen.push([1, await formatOf(directory)]) },
      ],
    };
    await expect(openDataDirectory(path, { supported })).rejects.toThrow(/no space/);
    expect(await formatOf(path)).toBe(2);
    fail = false;
    const directory = await openDataDirectory(path, { supported });
    expect(seen).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
    ]);
    expect(directory.version).toEqual({ format: 3, createdBy: 'millrace 0.0.1', createdAt: 'then' });
    expect(await formatOf(path)).toBe(3);
    await directory.close();
  });

  it('of an older format without a way forward is refused', async () => {
    const path = await stamped(stamp(1));
    const supported: FormatSupport = { format: 3, migrations: [{ from: 2, migrate: () => Promise.resolve() }] };
    await expect(openDataDirectory(path, { supported })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_VERSION',
      message: expect.stringContaining('Open it with an older version first'),
    });
  });
});
