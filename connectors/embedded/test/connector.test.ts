import { truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { openKeyValueStore } from '@millrace/core';
import { expect, it } from 'vitest';

import { holdInAnotherProcess, temporaryDirectory } from './fixtures.ts';

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
