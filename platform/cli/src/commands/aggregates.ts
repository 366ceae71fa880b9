import type { OptionValues, Options } from '@millrace/core';
import { choiceOption, defineOptions, integerOption, stringOption } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { jsonOption } from '../json-option.ts';
import { clientOptions, findPlatform } from '../platform-client.ts';
import type { Column } from '../table.ts';
import { bar, table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../terminal.ts';
import { timeOptions, timeRange } from '../time-options.ts';

interface AggregatesAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly truncated?: boolean;
}

const MINUTE_MS = 60_000;
const DEFAULT_MINUTES = 10;
const BAR_WIDTH = 30;

const filters = {
  origin: stringOption({ flag: 'origin', optional: true, description: 'Only tags with this origin' }),
  brandId: stringOption({ flag: 'brand-id', optional: true, description: 'Only tags with this brand_id' }),
  categoryId: stringOption({ flag: 'category-id', optional: true, description: 'Only tags with this category_id' }),
  country: stringOption({ flag: 'country', optional: true, description: 'Only tags with this country' }),
  device: choiceOption({
    flag: 'device',
    choices: ['PC', 'MOBILE', 'TV'],
    optional: true,
    description: 'Only tags with this device',
  }),
  productId: stringOption({ flag: 'product-id', optional: true, description: 'Only tags with this product_id' }),
} as const;

const aggregatesOptions = defineOptions('aggregates', {
  ...clientOptions,
  ...timeOptions,
  action: choiceOption({ flag: 'action', choices: ['VIEW', 'BUY'], default: 'VIEW', description: 'What users did' }),
  aggregates: stringOption({
    flag: 'aggregates',
    default: 'COUNT,SUM_PRICE',
    minLength: 1,
    description: 'COUNT and SUM_PRICE, separated by commas; the first one is drawn',
  }),
  ...filters,
  groupBy: stringOption({
    flag: 'group-by',
    optional: true,
    description: 'Split each minute by one or more fields, separated by commas: brand_id,country',
  }),
  limit: integerOption({
    flag: 'limit',
    optional: true,
    min: 1,
    max: 10_000,
    description: 'With --group-by: at most so many groups, those with the highest counts',
  }),
  json: jsonOption,
});

export const aggregatesCommand = defineCommand({
  name: 'aggregates',
  summary: 'Show counts and sums of prices per minute',
  options: aggregatesOptions,
  examples: [
    'millrace aggregates',
    'millrace aggregates --last 5m --action BUY --brand-id Nike',
    'millrace aggregates --from 2026-03-22T12:15 --to 2026-03-22T12:30 --group-by country --json',
  ],
  async run({ terminal, options }) {
    const platform = await findPlatform(options);
    const answer = await platform.json<AggregatesAnswer>(
      'GET',
      `/aggregates?${queryOf(options, Date.now()).toString()}`,
    );
    if (options.json) {
      terminal.print(JSON.stringify(answer));
      return EXIT.ok;
    }
    terminal.print(chart(terminal, answer, options.aggregates.split(',', 1)[0]!.toLowerCase()));
    if (answer.truncated === true) terminal.note('There are more groups: raise --limit or add a filter.');
    return EXIT.ok;
  },
});

function queryOf(
  options: OptionValues<Options<(typeof aggregatesOptions)['definitions']>>,
  now: number,
): URLSearchParams {
  // Whole minutes, the one that is running included, because the interface counts whole minutes only.
  const to = Math.ceil((now + 1) / MINUTE_MS) * MINUTE_MS;
  const { last } = options;
  const minutes = last === undefined ? DEFAULT_MINUTES : Math.ceil(last / MINUTE_MS);
  const query = new URLSearchParams({
    time_range: timeRange(last === undefined ? options : { ...options, last: minutes * MINUTE_MS }, to, {
      from: to - minutes * MINUTE_MS,
      to,
    }),
    action: options.action,
  });
  for (const name of options.aggregates.split(',')) query.append('aggregates', name.trim());
  for (const [name, { flag }] of Object.entries(filters)) {
    const value = options[name as keyof typeof filters];
    if (value !== undefined) query.append(flag!.replace('-', '_'), value);
  }
  if (options.groupBy !== undefined) query.append('group_by', options.groupBy);
  if (options.limit !== undefined) query.append('limit', String(options.limit));
  return query;
}

/** The rows as they are, and a bar for one of their columns. */
function chart(terminal: Terminal, { columns, rows }: AggregatesAnswer, drawn: string): string {
  const at = columns.indexOf(drawn);
  const values = rows.map((row) => Number(row[at]));
  const highest = Math.max(0, ...values);
  const shown: Column[] = columns.map((name) => ({ name, align: /^(count|sum_price)$/.test(name) ? 'right' : 'left' }));
  return table(
    terminal,
    [...shown, { name: `bar of ${drawn}` }],
    rows.map((row, index) => [...row.map(visible), bar(terminal, values[index]!, highest, BAR_WIDTH)]),
  );
}
