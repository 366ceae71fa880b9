import type { Logger } from '@millrace/core';
import { PROCESSOR_GROUP, type PlatformOptions } from './platform.ts';

const HOUR_MS = 3_600_000;

/** A platform on an embedded data directory with the defaults of `millrace up`, on a free port of this machine. */
export const localPlatformOptions = (directory: string, logger: Logger): PlatformOptions => ({
  logUrl: `embedded:${directory}`,
  stateUrl: `embedded:${directory}`,
  partitions: 10,
  keep: 230,
  retentionMs: 24 * HOUR_MS,
  logRetentionMs: 24 * HOUR_MS,
  logMaxBytes: 20e9,
  group: PROCESSOR_GROUP,
  drainMs: 1500,
  logger,
  host: '127.0.0.1',
  port: 0,
  defaultLimit: 200,
  maxRangeMs: HOUR_MS,
  maxFutureMs: 24 * HOUR_MS,
  logRequests: false,
  logHeaders: false,
  logBody: false,
  maxLagMs: 10_000,
  adminToken: undefined,
});
