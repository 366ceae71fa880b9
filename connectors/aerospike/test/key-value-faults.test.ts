import { setTimeout as sleep } from 'node:timers/promises';

import { type AerospikeDev, type FaultKind, startAerospikeDev } from '@millrace/aerospike-dev';
import { hasCode, type KeyValueStore } from '@millrace/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { parseAerospikeUrl } from '../src/address.ts';
import { connect } from '../src/client.ts';
import { plainAerospikeOptions } from '../src/connection-options.ts';
import { openAerospikeKeyValueStore } from '../src/key-value-store.ts';
import type { Key } from '../src/records.ts';
import { openAerospikeRecords } from '../src/read/record-reader.ts';
import { listOf } from './list-of.ts';
import { namespaceUrl, withSet } from './servers.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('the key-value store while Aerospike fails', () => {
  let server: AerospikeDev;
  let store: KeyValueStore;
  let url: string;
  beforeAll(async () => {
    server = await startAerospikeDev({ port: 0, namespaces: ['test'] });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = withSet(namespaceUrl(server));
    store = await openAerospikeKeyValueStore(url);
  });
  afterEach(async () => {
    await server.faults.clear();
    await store.close();
  });

  const setOf = (suffix: string): string => /test\/(\w+)/.exec(url)![1]! + suffix;
  const once = (kind: FaultKind) => server.faults.add({ kind, commands: 'write', times: 1 });
  /** Writes to this set fail from here on. */
  async function dieAt(suffix: string, write: () => Promise<unknown>): Promise<void> {
    await server.faults.add({ kind: 'timeout', set: setOf(suffix), commands: 'write' });
    await expect(write()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await server.faults.clear();
  }
  const read = async (key: string): Promise<string | undefined> => {
    const [found] = await store.getMany([key]);
    return found && Buffer.from(found.value).toString();
  };
  const LOST: FaultKind[] = ['timeout-after-apply', 'disconnect-after-apply', 'timeout', 'hot-key'];

  it.each(LOST)('creates once after %s', async (kind) => {
    await once(kind);
    const version = await store.set('key', bytes('mine'), { if: 'absent' });
    expect((await store.getMany(['key']))[0]?.version).toBe(version);
    expect(await store.set('key', bytes('other'), { if: 'absent' })).toBeUndefined();
  });

  it.each(LOST)('compares and sets once after %s', async (kind) => {
    const first = await store.set('key', bytes('first'));
    await once(kind);
    const second = await store.set('key', bytes('second'), { if: first! });
    expect(second).toBeTypeOf('string');
    expect((await store.getMany(['key']))[0]?.version).toBe(second);
    expect(await read('key')).toBe('second');
  });

  it.each<FaultKind>(['timeout-after-apply', 'disconnect-after-apply', 'hot-key'])(
    'adds once after %s',
    async (kind) => {
      await store.set('sum', bytes('5'));
      await once(kind);
      expect(await store.increment('sum', 2n)).toBe(7n);
      await once(kind);
      expect(await store.increment('new', 1n)).toBe(1n);
      expect([await read('sum'), await read('new')]).toEqual(['7', '1']);
    },
  );

  it('does not add again after a time-out without a trace of it: it may still come', async () => {
    await store.set('sum', bytes('5'));
    await once('timeout');
    await expect(store.increment('sum', 2n)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await read('sum')).toBe('5');
  });

  it.each(LOST)('tells that it deleted after %s', async (kind) => {
    await store.set('key', bytes('x'));
    await once(kind);
    expect(await store.delete('key')).toBe(true);
    expect(await store.delete('key')).toBe(false);
  });

  it('counts every addition that it confirms, and says which it cannot tell', async () => {
    await server.faults.add({ kind: 'timeout-after-apply', commands: 'write', percent: 10 });
    let confirmed = 0;
    let unknown = 0;
    const add = async (): Promise<void> => {
      try {
        await store.increment('sum', 1n);
        confirmed++;
      } catch (error) {
        if (!hasCode(error, 'UNAVAILABLE')) throw error;
        unknown++;
      }
    };
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, add));
    await server.faults.clear();
    const sum = Number(await read('sum'));
    expect(sum).toBeGreaterThanOrEqual(confirmed);
    expect(sum).toBeLessThanOrEqual(confirmed + unknown);
    expect(confirmed).toBeGreaterThan(100);
  });

  it('sets once under a version or says that it cannot tell, also where others go on from a lost answer', async () => {
    const [writer, first] = [await openAerospikeKeyValueStore(url), await store.set('sum', bytes('0'))];
    onTestFinished(() => writer.close());
    expect(first).toBeTypeOf('string');
    await server.faults.add({ kind: 'timeout-after-apply', commands: 'write', percent: 10 });
    let confirmed = 0;
    let unknown = 0;
    const add = async (from: KeyValueStore): Promise<void> => {
      for (let isDone = false; !isDone;) {
        const [found] = await from.getMany(['sum']);
        const sum = Number(Buffer.from(found!.value).toString());
        try {
          isDone = (await from.set('sum', bytes(String(sum + 1)), { if: found!.version })) !== undefined;
          if (isDone) confirmed++;
        } catch (error) {
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
          unknown++;
          isDone = true;
        }
      }
    };
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, at) => add(at % 2 === 0 ? store : writer)));
    }
    await server.faults.clear();
    const sum = Number(await read('sum'));
    expect(sum).toBeGreaterThanOrEqual(confirmed);
    expect(sum).toBeLessThanOrEqual(confirmed + unknown);
    expect(confirmed).toBeGreaterThan(100);
  });

  it('takes no version for that of an entry that was added to so often that its generation came again', async () => {
    await store.set('sum', bytes('0'));
    const [{ version } = { version: '' }] = await store.getMany(['sum']);
    await store.increment('sum', 1n);
    // Every write counts the generation, which has 16 bits.
    const connection = await connect(parseAerospikeUrl(url, plainAerospikeOptions).address);
    onTestFinished(() => connection.close());
    const { client, driver } = connection;
    const key = new driver.Key('test', setOf(''), bytes('sum')) as Key;
    const touches = Array.from({ length: 65_534 }, () => ({
      type: driver.batchType.BATCH_WRITE,
      key,
      ops: [driver.operations.touch(driver.ttl.DONT_UPDATE)],
    }));
    for (let at = 0; at < touches.length; at += 5000) await client.batchWrite(touches.slice(at, at + 5000));
    expect((await client.get(key)).gen).toBe(1);
    expect(await store.set('sum', bytes('stale'), { if: version })).toBeUndefined();
    expect(await read('sum')).toBe('1');
  });

  it('keeps no expiry that is over', async () => {
    await store.set('key', bytes('old'), { ttlMs: 1 });
    await sleep(5);
    expect(await store.set('key', bytes('new'), { ttlMs: 'keep', if: 'absent' })).toBeTypeOf('string');
    expect(await read('key')).toBe('new');
  });

  it('says that it cannot tell whether it deleted a version, when another has made the key anew', async () => {
    const deleteSlowly = async (patienceMs: number): Promise<unknown> => {
      const version = await store.set('lock', bytes('mine'));
      const impatient = await openAerospikeKeyValueStore(url.replaceAll('=10s', `=${patienceMs}ms`));
      onTestFinished(() => impatient.close());
      await once('silence-after-apply');
      const deleting = Promise.allSettled([impatient.delete('lock', { if: version! })]);
      await expect.poll(() => read('lock')).toBeUndefined();
      await store.set('lock', bytes('theirs'), { if: 'absent' });
      const [outcome] = await deleting;
      return outcome.status === 'rejected' ? outcome.reason : outcome.value;
    };
    let outcome = await deleteSlowly(500);
    // On a busy machine its second attempt may come before the other has made the key anew.
    for (let patienceMs = 1000; outcome === true && patienceMs < 10_000; patienceMs *= 2) {
      outcome = await deleteSlowly(patienceMs);
    }
    expect(outcome).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await read('lock')).toBe('theirs');
  });

  it('says UNAVAILABLE when the cluster stays away', async () => {
    const impatient = await openAerospikeKeyValueStore(`${withSet(namespaceUrl(server))}&retry_timeout=100ms`);
    try {
      await server.faults.add({ kind: 'unavailable', commands: 'any' });
      await expect(impatient.set('key', bytes('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(impatient.getMany(['key'])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      await impatient.close();
    }
  });

  it('removes the parts of large values with them', async () => {
    const before = await server.records('test');
    for (const size of [400_000, 1_000_000, 5]) await store.set('large', Buffer.alloc(size, 1));
    expect(await server.records('test')).toBe(before + 1);
    await store.set('large', Buffer.alloc(400_000, 2));
    expect(await store.delete('large')).toBe(true);
    expect(await server.records('test')).toBe(before);
  });

  describe('a writer of a large value that dies', () => {
    const LARGE = Buffer.alloc(400_000, 1);
    const HOUR_MS = 3_600_000;
    let dying: KeyValueStore;
    beforeEach(async () => {
      url = withSet(namespaceUrl(server));
      await store.close();
      store = await openAerospikeKeyValueStore(url);
      // It gives up at once, and does nothing after it.
      dying = await openAerospikeKeyValueStore(`${url}&retry_timeout=0ms`);
      vi.useFakeTimers({ toFake: ['Date'] });
    });
    afterEach(async () => {
      vi.useRealTimers();
      await dying.close();
    });

    const later = (): unknown => vi.setSystemTime(Date.now() + HOUR_MS);

    it('before it names its parts leaves what the next one removes', async () => {
      const before = await server.records('test');
      await dieAt('', () => dying.set('key', LARGE));
      later();
      await store.set('key', LARGE);
      expect((await store.getMany(['key']))[0]?.value).toEqual(LARGE);
      expect(await store.delete('key')).toBe(true);
      expect(await server.records('test')).toBe(before);
    });

    it('before it removes the parts of another leaves what the next one removes', async () => {
      const before = await server.records('test');
      await store.set('key', LARGE);
      await dieAt('-parts', () => dying.set('key', bytes('small')));
      later();
      await store.set('key', LARGE);
      expect(await store.delete('key')).toBe(true);
      expect(await server.records('test')).toBe(before);
    });

    it('leaves alone what another one may be about to name', async () => {
      await Promise.all(Array.from({ length: 5 }, (_, n) => store.set('key', Buffer.alloc(400_000, n))));
      const [found] = await store.getMany(['key']);
      expect(found?.value).toHaveLength(400_000);
    });

    it('cannot leave parts for ever where the key has an expiry that it kept', async () => {
      await store.set('key', bytes('small'), { ttlMs: HOUR_MS });
      await store.set('key', LARGE, { ttlMs: 'keep' });
      const parts = await openAerospikeRecords(url.replace(/\?/, '-parts?'));
      const found = await listOf(parts.scan());
      expect(found.filter(({ bins }) => bins['v'] !== undefined).map(({ ttlSeconds }) => ttlSeconds)).toEqual([
        expect.closeTo(3601, -2),
        expect.closeTo(3601, -2),
        expect.closeTo(3601, -2),
      ]);
      await parts.close();
    });
  });
});
