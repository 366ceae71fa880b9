import { createPlatform, PROCESSOR_GROUP } from '@millrace/analytics';
import { createLogger } from '@millrace/core';

/**
 * The platform in a child process whose processor can be stopped, which nothing outside it could do to one thread.
 * Argument: the data directory. Takes `pause`, `resume` and `stop` over IPC; answers each, with its memory.
 */
export type PausableCommand = 'pause' | 'resume' | 'memory' | 'stop';
export type PausableAnswer = { readonly url: string } | { readonly rss: number };

const HOUR_MS = 3_600_000;
const [, , directory] = process.argv;
const platform = createPlatform({
  logUrl: `embedded:${directory}`,
  stateUrl: `embedded:${directory}`,
  partitions: 10,
  keep: 230,
  retentionMs: 24 * HOUR_MS,
  logRetentionMs: 24 * HOUR_MS,
  logMaxBytes: 20e9,
  group: PROCESSOR_GROUP,
  drainMs: 1500,
  logger: createLogger({ level: 'warn', name: 'platform' }),
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

async function obey(command: PausableCommand): Promise<void> {
  if (command === 'pause') platform.processor?.pause();
  if (command === 'resume') platform.processor?.resume();
  if (command === 'stop') await platform.stop();
  answer({ rss: process.memoryUsage.rss() });
  if (command === 'stop') process.disconnect();
}

const answer = (message: PausableAnswer): void => {
  process.send?.(message);
};

process.on('message', (command: PausableCommand) => void obey(command));
answer(await platform.start());
