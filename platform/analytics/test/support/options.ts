import { createLogger } from '@millrace/core';
import { PROCESSOR_GROUP, type PlatformOptions } from '../../src/platform.ts';

const HOUR_MS = 3_600_000;

/** A platform on a data directory and a free port; says nothing. */
export const platformOptions = (directory: string, changes: Partial<PlatformOptions> = {}): PlatformOptions => ({
  logUrl: `embedded:${directory}`,
  stateUrl: `embedded:${directory}`,
  partitions: 10,
  keep: 230,
  retentionMs: 24 * HOUR_MS,
  logRetentionMs: 24 * HOUR_MS,
  logMaxBytes: 1e9,
  group: PROCESSOR_GROUP,
  drainMs: 1500,
  logger: createLogger({ level: 'silent', name: 'test' }),
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
  ...changes,
});
