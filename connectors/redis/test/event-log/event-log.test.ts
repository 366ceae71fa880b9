import { randomUUID } from 'node:crypto';
import type { EventLog } from '@millrace/core';
import {
  bothEnds,
  describeEventLog,
  type EventLogTarget,
  type OpenLog,
  SUITE_PARTITIONS,
  type RedisServer,
  startRedis,
} from '@millrace/testkit';
import { afterAll, beforeAll } from 'vitest';

import { openRedisEventLog } from '../../src/event-log/event-log.ts';

const SKIP = {
  'serves several groups, each with one consumer at a time':
    'the consumers of a group share its partitions; see consume.test.ts',
};

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis({ appendOnly: true });
});
afterAll(() => server.stop());

describeEventLog('Redis', { open: () => newTarget(() => server.url), skip: SKIP });

async function newTarget(url: () => string): Promise<EventLogTarget> {
  const prefix = randomUUID();
  let log: EventLog;
  const open = async (): Promise<OpenLog> => {
    log = await openRedisEventLog(`${url()}?prefix=${prefix}&linger=0`, { partitions: SUITE_PARTITIONS });
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
