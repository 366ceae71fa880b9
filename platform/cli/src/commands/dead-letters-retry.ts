import { MillraceError, booleanOption, defineOptions, hasCode } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import type { DeadLettersAnswer } from '../dead-letters.ts';
import { jsonOption } from '../json-option.ts';
import type { PlatformClient } from '../platform-client.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import { counted } from '../terminal.ts';

const PAGE = 1000;

export const deadLettersRetryCommand = defineCommand({
  name: 'dead-letters retry',
  summary: 'Send dead letters through the log once more; those that can be processed now disappear',
  options: defineOptions('dead-letters-retry', {
    ...clientOptions,
    all: booleanOption({ flag: 'all', default: false, description: 'Retry every dead letter there is now' }),
    json: jsonOption,
  }),
  args: [{ name: 'id', required: false, description: 'as `dead-letters list` shows it' }],
  examples: ['millrace dead-letters retry 3-4711', 'millrace dead-letters retry --all'],
  async run({ terminal, options, args: [id] }) {
    if ((id === undefined) !== options.all) {
      throw new MillraceError('INVALID_ARGUMENT', 'give either the id of a dead letter or --all', {
        field: 'id',
        value: id,
      });
    }
    const platform = await findPlatform(options);
    const retried: string[] = [];
    for (const one of id === undefined ? await allIds(platform) : [id]) {
      try {
        await platform.json('POST', `/admin/dead-letters/${encodeURIComponent(one)}/retry`);
        retried.push(one);
      } catch (error) {
        // Of all there were, somebody else has retried this one meanwhile.
        if (!options.all || !hasCode(error, 'NOT_FOUND')) throw error;
      }
    }
    if (options.json) terminal.print(JSON.stringify({ retried }));
    else terminal.print(`Retried ${counted(retried.length, 'dead letter')}.`);
    return EXIT.ok;
  },
});

/** Collected before the first retry, because one that fails again comes back under a new id and would never end. */
async function allIds(platform: PlatformClient): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after !== undefined && { after }) });
    const page = await platform.json<DeadLettersAnswer>('GET', `/admin/dead-letters?${query.toString()}`);
    ids.push(...page.deadLetters.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}
