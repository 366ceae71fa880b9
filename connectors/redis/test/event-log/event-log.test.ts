import { randomUUID } from 'node:crypto';
import type { EventLog } from '@millrace/core';
import {
  bothEnds,
  describeEventLog,
  type EventLogTarget,
  type OpenLog,
  SUITE_PARTITIONS,
  type RedisCluster,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

import { openRedisEventLog } from '../../src/event-log/event-log.ts';

const SKIP = {
  'serves several groups, each with one consumer at a time':
    'the consumers of a group share its partitions; see consume.test.ts',
};

describe.skipIf(!serverAvailable('redis'))('on real servers', () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([startRedis({ appendOnly: true }), startRedisCluster({ appendOnly: true })]);
  });
  afterAll(() => Promise.all([server.stop(), cluster.stop()]));

  describeEventLog('Redis', { open: () => newTarget(`${server.url}?`), skip: SKIP });
  describeEventLog('Redis Cluster', { open: () => newTarget(`${cluster.nodes[0]!.url}?cluster=true&`), skip: SKIP });
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
