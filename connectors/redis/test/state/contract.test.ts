import { anyRedis, anyRedisAvailable, describeStateStore, serverAvailable, startRedisCluster } from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

import { stateFixture } from './fixture.ts';

describe.skipIf(!anyRedisAvailable())('on a Redis', () => {
  let url = '';
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const server = await anyRedis();
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
    url = `${cluster.url}/?cluster=true`;
    stop = () => cluster.stop();
  });
  afterAll(() => stop?.());
  describeStateStore(
    'redis cluster state store',
    stateFixture(() => url),
  );
});
