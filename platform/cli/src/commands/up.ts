import { randomBytes } from 'node:crypto';
import type { Platform } from '@millrace/analytics';
import { PROCESSOR_GROUP, createPlatform } from '@millrace/analytics';
import type { Logger } from '@millrace/core';
import { describeOptions, removeOwner, resolveOptions, writeOwner } from '@millrace/core';
import type { CommandInput } from '../command.ts';
import { EXIT, defineCommand } from '../command.ts';
import type { UpOptions } from '../options.ts';
import { originalOptions, upOptions } from '../options.ts';
import { startDemo } from '../up/demo.ts';
import { startStatusLine } from '../up/status-line.ts';
import { reachableUrl, welcome } from '../up/welcome.ts';

/** Of the five seconds that a stop may take: the frontend has two, the rest is for closing the stores. */
const DRAIN_MS = 1500;
const STOP_DEADLINE_MS = 5000;

export const upCommand = defineCommand({
  name: 'up',
  summary: 'Run the platform: HTTP interface, event log, processor and state in one process',
  options: upOptions,
  examples: [
    'millrace up',
    'millrace up --port 9000 --data /var/lib/millrace --retention 7d',
    'millrace up --demo',
    'MILLRACE_ADMIN_TOKEN=... millrace up --host 0.0.0.0',
  ],
  run,
});

async function run(input: CommandInput<(typeof upOptions)['definitions']>): Promise<number> {
  const { options, terminal, env, interrupted } = input;
  for (const line of withoutEffect(env)) terminal.note(line);
  const adminToken = options.adminToken ?? randomBytes(24).toString('base64url');
  const logger = input.logger(options.logLevel);
  const platform = createPlatform(platformOptions(options, adminToken, logger));
  let failure: unknown;
  try {
    const { url: listening } = await platform.start();
    const url = reachableUrl(listening);
    await writeOwner(options.data, { pid: process.pid, url, startedAt: Date.now(), adminToken });
    for (const line of welcome({ url, listening, data: options.data, now: Date.now() }, terminal)) terminal.print(line);
    const demo = options.demo
      ? startDemo({ url, data: options.data, seed: Date.now() % 2 ** 31, terminal, interrupted })
      : undefined;
    const statusLine = startStatusLine({ url, adminToken, terminal, logger });
    await Promise.race([aborted(interrupted), platform.failed]).catch((error: unknown) => (failure = error));
    statusLine.stop();
    await demo?.stop();
  } catch (error) {
    // Also a failed start may hold the lock of the data directory.
    await stop(platform, options.data);
    throw error;
  }
  terminal.note('Stopping: finishing what was accepted.');
  const inTime = await stop(platform, options.data);
  if (failure !== undefined) throw failure;
  if (!inTime) terminal.note('The deadline of the stop has passed. Nothing accepted is lost: the next start goes on.');
  return EXIT.ok;
}

function platformOptions(options: UpOptions, adminToken: string, logger: Logger): Parameters<typeof createPlatform>[0] {
  const url = `embedded:${options.data}`;
  return {
    host: options.host,
    port: options.port,
    defaultLimit: options.defaultLimit,
    maxRangeMs: options.maxRange,
    maxFutureMs: options.maxFuture,
    logRequests: options.useLogger,
    logHeaders: options.logHeaders,
    logBody: options.logBody,
    maxLagMs: options.maxLag,
    adminToken,
    logUrl: url,
    stateUrl: url,
    partitions: options.partitions,
    keep: options.keep,
    retentionMs: options.retention,
    logRetentionMs: options.logRetention,
    logMaxBytes: options.logMaxBytes,
    group: PROCESSOR_GROUP,
    drainMs: DRAIN_MS,
    logger,
  };
}

/** Whether everything was closed before the deadline. */
async function stop(platform: Platform, data: string): Promise<boolean> {
  const timedOut = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timedOut.resolve(false), STOP_DEADLINE_MS - 500);
  try {
    return await Promise.race([platform.stop().then(() => true), timedOut.promise]);
  } finally {
    clearTimeout(timer);
    await removeOwner(data);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** @throws INVALID_OPTION for a variable of the original platform whose value it would have refused, too */
function withoutEffect(env: NodeJS.ProcessEnv): string[] {
  const { sources } = resolveOptions(originalOptions, { env });
  const given = describeOptions(originalOptions)
    .filter(({ name }) => sources[name as keyof typeof sources] === 'environment')
    .map(({ env: variable }) => variable);
  return given.length === 0 ? [] : [`These variables have no effect on the embedded store yet: ${given.join(', ')}`];
}
