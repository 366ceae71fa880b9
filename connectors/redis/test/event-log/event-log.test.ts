import { randomUUID } from 'node:crypto';
import type { EventLog } from '@millrace/core';
import {
  anyRedis,
  type AnyRedis,
  anyRedisAvailable,
  bothEnds,
  describeEventLog,
  type EventLogTarget,
  type OpenLog,
  SUITE_PARTITIONS,
  type RedisCluster,
  serverAvailable,
  startRedisCluster,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

import { openRedisEventLog } from '../../src/event-log/event-log.ts';

const SKIP = {
  'serves several groups, each with one consumer at a time':
    'the consumers of a group share its partitions; see consume.test.ts',
};

describe.skipIf(!anyRedisAvailable())('on a real server', () => {
  let server: AnyRedis;

  beforeAll(async () => {
    server = await anyRedis({ appendOnly: true });
  });
  afterAll(() => server.stop());

  describeEventLog('Redis', { open: () => newTarget(`${server.url}?`), skip: SKIP });
});

describe.skipIf(!serverAvailable('redis'))('on a real Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());

  describeEventLog('Redis Cluster', { open: () => newTarget(`${cluster.url}?cluster=true&`), skip: SKIP });
});

async function newTarget(url: string): Promise<EventLogTarget> {
  const prefix = randomUUID();
  let log: EventLog;
  const open = async (): Promise<OpenLog> => {
    log = await openRedisEventLog(`${url}prefix=${prefix}&linger=0`, { partitions: SUITE_PARTITIONS });
    return bothEnds(log);
  };
  const first = await open();
  return {
    ...first,
    reopen: async () => {
      await log.close();
      return open();
    },
    close: () => log.close(),
  };
}
