import { describeKeyValueStore, serverAvailable, startRedis, startRedisCluster } from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

import { openRedisKeyValueStore } from '../src/key-value-store.ts';
import { prefixed } from './state/fixture.ts';

async function openAt(url: string) {
  const store = await openRedisKeyValueStore(prefixed(url));
  return { store, close: () => store.close() };
}

describe.skipIf(!serverAvailable('redis'))('on a Redis', () => {
  let url = '';
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const server = await startRedis();
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
    url = `redis://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/?cluster=true`;
    stop = () => cluster.stop();
  });
  afterAll(() => stop?.());
  describeKeyValueStore('redis cluster', { open: () => openAt(url) });
});
