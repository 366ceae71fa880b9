import type { Connector } from '@millrace/core';
import { openRedisEventLog, openRedisLogReader } from './event-log/event-log.ts';

export const connector: Connector = {
  openEventLog: openRedisEventLog,
  openLogReader: openRedisLogReader,
};
