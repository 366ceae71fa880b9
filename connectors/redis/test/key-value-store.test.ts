import {
  anyRedis,
  anyRedisAvailable,
  describeKeyValueStore,
  serverAvailable,
  startRedis,
  startRedisCluster,
} from '@millrace/testkit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openRedisKeyValueStore } from '../src/key-value-store.ts';
import { prefixed } from './state/fixture.ts';

async function openAt(url: string) {
  const store = await openRedisKeyValueStore(prefixed(url));
  return { store, close: () => store.close() };
}

describe.skipIf(!anyRedisAvailable())('on a Redis', () => {
  let url = '';
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const server = await anyRedis();
    url = server.url;
    stop = () => server.stop();
  });
  afterAll(() => stop?.());
  describeKeyValueStore('redis', { open: () => openAt(url) });
});

describe.skipIf(!serverAvailable('redis'))('on a Redis Cluster', () => {
  let url = '';
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const cluster = await startRedisCluster();
    url = `${cluster.url}/?cluster=true`;
    stop = () => cluster.stop();
  });
  afterAll(() => stop?.());
  describeKeyValueStore('redis cluster', { open: () => openAt(url) });
});

describe.skipIf(!serverAvailable('redis'))('a list of keys', () => {
  it('is complete also when the server restarts meanwhile', async () => {
    const server = await startRedis({ appendOnly: true, appendFsync: 'no' });
    const { store, close } = await openAt(server.url);
    const keys = Array.from({ length: 5000 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key) => store.set(key, Buffer.from(key))));
    const told: string[] = [];
    for await (const key of store.scan('')) {
      told.push(key);
      if (told.length === 2500) await server.restart();
    }
    expect(told.toSorted()).toEqual(keys.toSorted());
    await close();
    await server.stop();
  });
});

describe.skipIf(!serverAvailable('redis'))('counters on a Redis', () => {
  it('add any two integers of 64 bits exactly', async () => {
    const server = await startRedis();
    const { store, close } = await openAt(server.url);
    const least = -(2n ** 63n);
    const most = 2n ** 63n - 1n;
    const edge = fc.constantFrom(0n, 1n, -1n, 999_999_999n, -999_999_999n, 10n ** 9n, -(10n ** 9n), least, most);
    const number = fc.oneof(fc.bigInt({ min: least, max: most }), edge, fc.bigInt({ min: -1000n, max: 1000n }));
    try {
      await fc.assert(
        fc.asyncProperty(number, number, async (a, b) => {
          await store.set('number', Buffer.from(String(a)));
          const sum = a + b;
          const added = store.increment('number', b);
          if (sum < least || sum > most) await expect(added).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
          else expect(await added).toBe(sum);
        }),
        { numRuns: 500 },
      );
    } finally {
      await close();
      await server.stop();
    }
  });
});
