import { defineOptions, integerOption, stringOption } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import type { DeadLettersAnswer } from '../dead-letters.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { table } from '../table.ts';
import { visible } from '../terminal.ts';

export const deadLettersListCommand = defineCommand({
  name: 'dead-letters list',
  summary: 'List records that could not be processed, oldest first',
  options: defineOptions('dead-letters-list', {
    ...clientOptions,
    after: stringOption({ flag: 'after', optional: true, description: 'Continue after this id' }),
    limit: integerOption({ flag: 'limit', default: 100, min: 1, max: 1000, description: 'At most so many' }),
    json: jsonOption,
  }),
  examples: ['millrace dead-letters list', 'millrace dead-letters list --after 3-4711 --json'],
  async run({ terminal, options }) {
    const platform = await findPlatform(options);
    const query = new URLSearchParams({ limit: String(options.limit) });
    if (options.after !== undefined) query.append('after', options.after);
    const answer = await platform.json<DeadLettersAnswer>('GET', `/admin/dead-letters?${query.toString()}`);
    if (options.json) {
      terminal.print(JSON.stringify(answer));
      return EXIT.ok;
    }
    if (answer.deadLetters.length === 0) {
      terminal.print('There are no dead letters.');
      return EXIT.ok;
    }
    const rows = answer.deadLetters.map(({ id, appendedAt, key, code, reason }) => [
      id,
      appendedAt,
      visible(key ?? ''),
      code,
      visible(reason),
    ]);
    const columns = [{ name: 'Id' }, { name: 'Appended' }, { name: 'Key' }, { name: 'Code' }, { name: 'Reason' }];
    terminal.print(table(terminal, columns, rows));
    if (answer.next !== undefined) terminal.note(`There are more: millrace dead-letters list --after ${answer.next}`);
    return EXIT.ok;
  },
});
