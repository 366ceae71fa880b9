import { MillraceError, defineOptions, redactedOptions, resolveOptions, sectionFor } from '@millrace/core';
import type { Options } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { frontendOptions, processorOptions, upOptions } from '../options.ts';
import { originalOptions } from '../original-options.ts';
import { table } from '../table.ts';
import { loadCommand } from './load.ts';
import { replayCommand } from './replay.ts';

const COMPONENTS: readonly Options[] = [
  upOptions,
  frontendOptions,
  processorOptions,
  loadCommand.options,
  replayCommand.options,
  originalOptions,
];

export const configCommand = defineCommand({
  name: 'config',
  summary: 'Show what each option is set to, and where that comes from',
  options: defineOptions('config', { json: jsonOption }),
  args: [
    {
      name: 'component',
      required: false,
      description: 'up (the default), frontend, processor, load, replay or original',
    },
  ],
  examples: ['millrace config', 'FRONTEND_PORT=9000 millrace config --json', 'millrace config load'],
  async run({ terminal, options, args: [component = 'up'], env, configFile }) {
    const names = COMPONENTS.map((candidate) => candidate.component);
    const chosen = COMPONENTS.find((candidate) => candidate.component === component);
    if (chosen === undefined) {
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `${component} has no options to show: there are ${names.join(', ')}`,
        {
          field: 'component',
          value: component,
          accepted: names.join(', '),
        },
      );
    }
    const file = configFile === undefined ? {} : { file: sectionFor(chosen, configFile) };
    const resolved = resolveOptions(chosen, { env, ...file });
    const rows = redactedOptions(resolved);
    if (options.json) {
      terminal.print(JSON.stringify({ component, file: configFile?.path ?? null, options: rows }));
      return EXIT.ok;
    }
    const columns = [{ name: 'Option' }, { name: 'Value' }, { name: 'From' }];
    terminal.print(
      table(
        terminal,
        columns,
        rows.map(({ key, value, source }) => [key, value ?? '', source]),
      ),
    );
    return EXIT.ok;
  },
});
