import { ClassicLevel } from 'classic-level';
import { expect, it, onTestFinished } from 'vitest';

import { ExpirySweep } from '../src/expiry-sweep.ts';
import { dataKey, encodeEntry, expiryKey, VERSION_BYTES } from '../src/key-value-entry.ts';
import { type Level, WriteQueue } from '../src/write-queue.ts';
import { temporaryDirectory } from './fixtures.ts';

it('removes what has expired with its index, what the index wrongly names from the index only, and no more', async () => {
  const level: Level = new ClassicLevel(await temporaryDirectory(), { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await level.open();
  const queue = new WriteQueue(level, { syncAlways: false });
  let now = 1_700_000_000_000;
  const sweep = new ExpirySweep(level, queue, () => now);
  onTestFinished(async () => {
    await sweep.stop();
    await queue.close();
    await level.close();
  });
  const set = (key: string, ttlMs: number | undefined): Promise<void> => {
    const name = dataKey(key);
    const expiresAt = ttlMs === undefined ? undefined : now + ttlMs;
    const entry = encodeEntry(Buffer.from('x'), Buffer.alloc(VERSION_BYTES), expiresAt);
    return queue.replace(name, queue.current(name), entry);
  };
  await Promise.all(Array.from({ length: 1200 }, (_, i) => set(`short:${i}`, 1000 + i)));
  await set('long', 2201);
  await set('extended', 1000);
  await set('extended', 10_000);
  await set('for ever', 1000);
  await set('for ever', undefined);
  await level.put(expiryKey(dataKey('for ever'), now), Buffer.alloc(0));
  const stored = async (): Promise<string[]> =>
    (await level.keys().all()).map((key) => key.toString('latin1')).filter((key) => key !== 's');
  expect(await stored()).toHaveLength(2 * 1200 + 2 + 2 + 1 + 1);
  now += 2200;
  await expect.poll(stored).toHaveLength(5);
  expect((await stored()).filter((key) => key.startsWith('d'))).toEqual(['dextended', 'dfor ever', 'dlong']);
});
