import { describeStateStore, serverAvailable, startRedis, startRedisCluster } from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

import { stateFixture } from './fixture.ts';

describe.skipIf(!serverAvailable('redis'))('on a Redis', () => {
  let url = '';
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const server = await startRedis();
    url = server.url;
    stop = () => server.stop();
  });
  afterAll(() => stop?.());
  describeStateStore(
    'redis state store',
    stateFixture(() => url),
  );
  // With a dictionary that is soon full, both forms of a value occur side by side.
  describeStateStore(
    'redis state store, full dictionaries',
    stateFixture(() => url, { dictionaryLimit: 2 }),
  );
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
  describeStateStore(
    'redis cluster state store',
    stateFixture(() => url),
  );
});
