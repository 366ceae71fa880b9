import { createPlatform } from '@millrace/analytics';
import { backendUrls } from '../backend-urls.ts';
import { defineCommand } from '../command.ts';
import { frontendOptions } from '../options.ts';
import { originalOptions } from '../original-options.ts';
import { runService } from '../service.ts';
import { platformOptions } from './up.ts';

export const frontendCommand = defineCommand({
  name: 'frontend',
  summary: 'Run the HTTP interface alone: any number of them on one log and one state',
  options: frontendOptions,
  alsoReads: originalOptions,
  examples: [
    'millrace frontend --log kafka://127.0.0.1:9092/tags --state redis://127.0.0.1:6379 --port 8081',
    'KAFKA_BOOTSTRAP_SERVERS=kafka:9092 MILLRACE_STATE=redis://redis:6379 millrace frontend --host 0.0.0.0',
  ],
  async run(input) {
    const { options, terminal, env, interrupted } = input;
    const { logUrl, stateUrl, notes } = backendUrls(options, env);
    for (const note of notes) terminal.note(note);
    const frontend = createPlatform({
      ...platformOptions(options, input.logger(options.logLevel)),
      logUrl,
      stateUrl,
      group: undefined,
      // Every frontend would be unready together when the processors are behind, and nobody would take tags any more.
      maxLagMs: Number.POSITIVE_INFINITY,
      adminToken: options.adminToken,
    });
    return runService(frontend, {
      terminal,
      interrupted,
      async started({ url }) {
        terminal.print(`millrace frontend is running at ${url}`);
        return () => Promise.resolve();
      },
    });
  },
});
