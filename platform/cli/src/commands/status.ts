import { defineOptions } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { readStatus } from '../status.ts';
import { table } from '../table.ts';
import { counted, grouped, roundedBytes } from '../terminal.ts';

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'Show how the running platform is doing',
  options: defineOptions('status', { ...clientOptions, json: jsonOption }),
  examples: ['millrace status', 'millrace status --json'],
  async run({ terminal, options }) {
    const platform = await findPlatform(options);
    const status = await readStatus(platform);
    if (options.json) {
      terminal.print(JSON.stringify(status));
      return EXIT.ok;
    }
    const rows = [
      ['address', platform.url],
      ['state', status.state],
      ['up since', new Date(status.startedAt).toISOString()],
      ['event clock', status.clock === undefined ? 'no events yet' : new Date(status.clock).toISOString()],
      ['accepted since then', grouped(status.accepted)],
      ['applied since then', grouped(status.applied ?? 0)],
      ['behind', `${counted(status.lag.records, 'tag')}, ${grouped(status.lag.ms)} ms`],
      ['too late for aggregates', grouped(status.late)],
      ['duplicates dropped', grouped(status.duplicates)],
      ['dead letters', grouped(status.deadLetters)],
      ['log', roundedBytes(status.logBytes)],
      ['state on disk', roundedBytes(status.stateBytes)],
      ['p99 of tags', `${grouped(status.frontend.tagLatencyP99Ms)} ms`],
    ];
    terminal.print(table(terminal, [{ name: 'Figure' }, { name: 'Value' }], rows));
    return EXIT.ok;
  },
});
