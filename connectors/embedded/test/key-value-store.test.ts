import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { KeyValueStore } from '@millrace/core';
import { describeKeyValueStore } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

import { openEmbeddedKeyValueStore } from '../src/key-value-store.ts';
import { newDirectory, removeDirectory, temporaryDirectory } from './fixtures.ts';

describeKeyValueStore('embedded', { open: () => open({ syncAlways: false }) });
describeKeyValueStore('embedded, each write synced', { open: () => open({ syncAlways: true }) });

async function open(options: { syncAlways: boolean }): Promise<{ store: KeyValueStore; close(): Promise<void> }> {
  const directory = await newDirectory();
  const store = await openEmbeddedKeyValueStore({ directory, ...options });
  return { store, close: () => store.close().then(() => removeDirectory(directory)) };
}

const WRITER = fileURLToPath(new URL('write-key-values.ts', import.meta.url));
const FILLER = fileURLToPath(new URL('write-until-refused.ts', import.meta.url));
const bytes = (text: string): Buffer => Buffer.from(text);

it('finds what it had after closing, with versions and expiry', async () => {
  const directory = await temporaryDirectory();
  const first = await openEmbeddedKeyValueStore({ directory });
  await first.set('a', bytes('1'));
  await first.set('b', bytes('2'), { ttlMs: 600_000 });
  const before = await first.getMany(['a', 'b']);
  await first.close();
  const second = await openEmbeddedKeyValueStore({ directory });
  expect(await second.getMany(['a', 'b'])).toEqual(before);
  expect(await second.set('a', bytes('3'), { if: before[0]!.version })).not.toBe(before[0]!.version);
  await second.close();
});

it('loses nothing that it acknowledged before a kill -9', async () => {
  const directory = await temporaryDirectory();
  const child = spawn(process.execPath, [WRITER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  const killed = once(child, 'exit');
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    acknowledged = Number(line);
    if (acknowledged === 3000) child.kill('SIGKILL');
  });
  await Promise.all([killed, once(lines, 'close')]);
  expect(acknowledged).toBeGreaterThanOrEqual(3000);
  const store = await openEmbeddedKeyValueStore({ directory });
  const found = await store.getMany(Array.from({ length: acknowledged }, (_, i) => `key:${i + 1}`));
  expect(found.map((entry) => Number(entry?.value.toString()))).toEqual(
    Array.from({ length: acknowledged }, (_, i) => i + 1),
  );
  expect(await store.increment('count', 0n)).toBeGreaterThanOrEqual(BigInt(acknowledged));
  await store.close();
});

it.skipIf(process.platform === 'win32')(
  'refuses everything after a failed write, and keeps what it acknowledged',
  async () => {
    const directory = await temporaryDirectory();
    // A limit on the size of files fails writes as a full disk does, without the need for one.
    const script = 'trap "" XFSZ; ulimit -f 1024; exec "$0" "$@"';
    const child = spawnSync('sh', ['-c', script, process.execPath, FILLER, directory], { encoding: 'utf8' });
    const { acknowledged, codes } = JSON.parse(child.stdout) as { acknowledged: number; codes: string[] };
    expect(codes).toEqual(['STORE_FAILED', 'STORE_FAILED']);
    expect(acknowledged).toBeGreaterThan(50);
    const store = await openEmbeddedKeyValueStore({ directory });
    const found = await store.getMany(Array.from({ length: acknowledged }, (_, i) => `key:${i}`));
    expect(found.filter((entry) => entry?.value.length === 4096)).toHaveLength(acknowledged);
    await store.close();
  },
);

it('has one opener in a process', async () => {
  const directory = await temporaryDirectory();
  const store = await openEmbeddedKeyValueStore({ directory });
  onTestFinished(() => store.close());
  await expect(openEmbeddedKeyValueStore({ directory })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
});
