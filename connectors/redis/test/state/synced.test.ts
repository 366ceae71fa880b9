import type { StateWriter } from '@millrace/core';
import {
  type RedisOptions,
  serverAvailable,
  startRedis,
  STATE_SCHEMA,
  stateChange,
  stateEvent,
} from '@millrace/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openRedisStateWriter } from '../../src/state-store.ts';

async function openWriter(options: RedisOptions): Promise<StateWriter> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  const writer = await openRedisStateWriter(server.url, { schema: STATE_SCHEMA, partitions: 1 });
  onTestFinished(() => writer.close());
  return writer;
}

/** Right after the first commit. */
async function syncedOn(options: RedisOptions): Promise<number | undefined> {
  const writer = await openWriter(options);
  await writer.commit([stateChange([stateEvent(0)])]);
  return writer.synced(0);
}

describe.skipIf(!serverAvailable('redis'))('what survives a power loss', () => {
  it('is every commit where Redis syncs before it answers', async () => {
    expect(await syncedOn({ appendOnly: true, appendFsync: 'always' })).toBe(1);
  });

  it('is not the newest commit where Redis syncs once a second', async () => {
    const writer = await openWriter({ appendOnly: true, appendFsync: 'everysec' });
    let next = 0;
    const isNewestIn = async (): Promise<boolean> => {
      await writer.commit([stateChange([stateEvent(next++)])]);
      return (await writer.synced(0)) === next;
    };
    // Again where this process stood still for seconds in between.
    await expect.poll(isNewestIn).toBe(false);
  });

  it('is nothing where Redis does not write to disk, or leaves syncing to the system', async () => {
    expect(await syncedOn({ appendOnly: false })).toBeUndefined();
    expect(await syncedOn({ appendOnly: true, appendFsync: 'no' })).toBeUndefined();
  });
});
