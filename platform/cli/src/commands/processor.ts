import { createProcessorRole } from '@millrace/analytics';
import { backendUrls } from '../backend-urls.ts';
import { defineCommand } from '../command.ts';
import { processorOptions } from '../options.ts';
import { originalOptions } from '../original-options.ts';
import { runService } from '../service.ts';

export const processorCommand = defineCommand({
  name: 'processor',
  summary: 'Run a processor alone: any number of them share the partitions of one log',
  options: processorOptions,
  alsoReads: originalOptions,
  examples: [
    'millrace processor --log kafka://127.0.0.1:9092/tags --state redis://127.0.0.1:6379',
    'millrace processor --log redis://127.0.0.1:6379 --state redis://127.0.0.1:6379 --port 9101',
  ],
  async run(input) {
    const { options, terminal, env, interrupted } = input;
    const { host, port, maxLag: maxLagMs, adminToken, group } = options;
    const { logUrl, stateUrl, notes } = backendUrls(options, env);
    for (const note of notes) terminal.note(note);
    const processor = createProcessorRole({
      logUrl,
      stateUrl,
      partitions: options.partitions,
      keep: options.keep,
      retentionMs: options.retention,
      group,
      http: port === undefined ? undefined : { host, port, maxLagMs, adminToken },
      logger: input.logger(options.logLevel),
    });
    return runService(processor, {
      terminal,
      interrupted,
      async started({ url }) {
        terminal.print(`millrace processor has started${url === undefined ? '' : `, its figures at ${url}`}`);
        void processor.applying.then(() => terminal.print('millrace processor is running'));
        return () => Promise.resolve();
      },
    });
  },
});
