import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { openEventLog, openKeyValueStore, openLogReader, openStateReader, partitionOf } from '@millrace/core';
import { expect, it } from 'vitest';

import { holdInAnotherProcess, STATE_OPTIONS, temporaryDirectory } from './fixtures.ts';

it('openers of one key-value store share it, and each closes it for itself only', async () => {
  const path = await temporaryDirectory();
  const [first, second] = await Promise.all([
    openKeyValueStore(`embedded:${path}`),
    openKeyValueStore(`embedded:${path}/.`),
  ]);
  const written = await Promise.all([
    ...Array.from({ length: 50 }, () => first.set('lock', Buffer.from('first'), { if: 'absent' })),
    ...Array.from({ length: 50 }, () => second.set('lock', Buffer.from('second'), { if: 'absent' })),
  ]);
  expect(written.filter((version) => version !== undefined)).toHaveLength(1);
  await first.close();
  await first.close();
  await expect(first.getMany(['lock'])).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  expect(await second.delete('lock')).toBe(true);
  const closing = second.close();
  const third = await openKeyValueStore(`embedded:${path}`);
  await closing;
  expect(await third.increment('visits', 1n)).toBe(1n);
  await third.close();
});

it('a second way of syncing one key-value store is refused', async () => {
  const path = await temporaryDirectory();
  const store = await openKeyValueStore(`embedded:${path}?sync=always`);
  await expect(openKeyValueStore(`embedded:${path}`)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
  await store.close();
  await (await openKeyValueStore(`embedded:${path}`)).close();
});

it('gives the lock back when opening fails, and when everything is closed', async () => {
  const path = await temporaryDirectory();
  await (await openKeyValueStore(`embedded:${path}`)).close();
  await truncate(join(path, 'kv', 'CURRENT'));
  await expect(openKeyValueStore(`embedded:${path}`)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await holdInAnotherProcess(path);
});

it('one process opens everything in one directory, the state from two threads', async () => {
  const path = await temporaryDirectory();
  const url = `embedded:${path}`;
  const log = await openEventLog(url);
  await log.append([{ key: 'alice', value: Buffer.from('x') }]);
  const reader = await openStateReader(url, STATE_OPTIONS);
  const store = await openKeyValueStore(url);
  await store.set('a', Buffer.from('x'));
  const worker = new Worker(fileURLToPath(new URL('write-state.ts', import.meta.url)), {
    env: { ...process.env, DATA_DIRECTORY: path },
    stdin: true,
    stdout: true,
  });
  expect(String(await once(worker.stdout, 'data'))).toBe('committed\n');
  const query = { kind: 0, from: 0, to: Infinity, limit: 10 };
  expect(await reader.timeline('alice', query)).toEqual([{ time: 1000, dimensions: [], measures: [7] }]);
  await expect(openEventLog(url)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
  expect(log.partitions).toBe(10);
  const batch = await log.read(partitionOf('alice', log.partitions), 0, 1000);
  expect(batch.records.map((record) => record.key)).toEqual(['alice']);

  await log.close();
  await store.close();
  const ended = once(worker, 'exit');
  worker.stdin!.end();
  await ended;
  await reader.close();
  await holdInAnotherProcess(path);
});

it('a log is read elsewhere through the channel of its owner only', async () => {
  const path = await temporaryDirectory();
  await expect(openLogReader(`embedded:${path}`)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
});
