import { randomBytes } from 'node:crypto';
import type { PlatformOptions } from '@millrace/analytics';
import { createPlatform } from '@millrace/analytics';
import type { Logger } from '@millrace/core';
import { removeOwner, writeOwner } from '@millrace/core';
import { backendUrls } from '../backend-urls.ts';
import { defineCommand } from '../command.ts';
import { makeDataDirectory } from '../make-data-directory.ts';
import type { FrontendOptions } from '../options.ts';
import { upOptions } from '../options.ts';
import { originalOptions } from '../original-options.ts';
import { runService } from '../service.ts';
import { startDemo } from '../up/demo.ts';
import { startStatusLine } from '../up/status-line.ts';
import { placeOf, reachableUrl, welcome } from '../up/welcome.ts';

/** Of the five seconds that a stop may take: the frontend has two, the rest is for closing the stores. */
const DRAIN_MS = 1500;

export const upCommand = defineCommand({
  name: 'up',
  summary: 'Run the platform: HTTP interface, event log, processor and state in one process',
  options: upOptions,
  alsoReads: originalOptions,
  examples: [
    'millrace up',
    'millrace up --port 9000 --data /var/lib/millrace --retention 7d',
    'millrace up --demo',
    'millrace up --state redis://127.0.0.1:6379',
    'MILLRACE_ADMIN_TOKEN=... millrace up --host 0.0.0.0',
  ],
  async run(input) {
    const { options, terminal, env, interrupted } = input;
    const { data, group, maxLag: maxLagMs } = options;
    const { logUrl, stateUrl, notes } = backendUrls(options, env);
    for (const note of notes) terminal.note(note);
    const adminToken = options.adminToken ?? randomBytes(24).toString('base64url');
    const logger = input.logger(options.logLevel);
    const platform = createPlatform({
      ...platformOptions(options, logger),
      logUrl,
      stateUrl,
      group,
      maxLagMs,
      adminToken,
    });
    return runService(platform, {
      terminal,
      interrupted,
      async started({ url: listening }) {
        const url = reachableUrl(listening);
        // With other backends nobody has made it yet; commands find this platform by it all the same.
        await makeDataDirectory(data);
        await writeOwner(data, { pid: process.pid, url, startedAt: Date.now(), adminToken });
        const place = placeOf({ data, logUrl, stateUrl });
        for (const line of welcome({ url, listening, data, place, now: Date.now() }, terminal)) terminal.print(line);
        const seed = Date.now() % 2 ** 31;
        const demo = options.demo ? startDemo({ url, data, seed, terminal, interrupted }) : undefined;
        const statusLine = startStatusLine({ url, adminToken, terminal, logger });
        return async () => {
          statusLine.stop();
          await demo?.stop();
        };
      },
      stopped: () => removeOwner(data),
    });
  },
});

type Shared = Omit<PlatformOptions, 'logUrl' | 'stateUrl' | 'group' | 'maxLagMs' | 'adminToken'>;

/** What a frontend of its own has in common with the whole platform. */
export function platformOptions(options: FrontendOptions, logger: Logger): Shared {
  return {
    host: options.host,
    port: options.port,
    defaultLimit: options.defaultLimit,
    maxRangeMs: options.maxRange,
    maxFutureMs: options.maxFuture,
    logRequests: options.useLogger,
    logHeaders: options.logHeaders,
    logBody: options.logBody,
    partitions: options.partitions,
    keep: options.keep,
    retentionMs: options.retention,
    logRetentionMs: options.logRetention,
    logMaxBytes: options.logMaxBytes,
    drainMs: DRAIN_MS,
    logger,
  };
}
