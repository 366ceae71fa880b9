import { MillraceError } from '../errors.ts';
import type { RollupQuery, StateSchema } from '../state-store.ts';

import { canonicalInt32 } from './int32.ts';
import { MINUTE_MS } from './time.ts';
import type { Dictionaries } from './row-codec.ts';

/** Column 0 of a chunk is the kind; dimension n is column n + 1. */
export const KIND_COLUMN = 0;

export interface Filter {
  readonly column: number;
  readonly texts: ReadonlySet<string>;
  /** The texts as numbers of a column without its own texts: kinds, dictionary ids or int32. */
  readonly numbers: ReadonlySet<number>;
}

export interface RollupPlan {
  /** Minutes since the epoch: [from, to). */
  readonly from: number;
  readonly to: number;
  /** The ones first that are likely to leave few rows. */
  readonly filters: readonly Filter[];
  /** Columns to split by. */
  readonly groupBy: readonly number[];
  readonly limit: number;
}

/** @throws INVALID_ARGUMENT */
export function planRollup(query: RollupQuery, schema: StateSchema, dictionaries: Dictionaries): RollupPlan {
  const from = wholeMinute('from', query.from);
  const to = wholeMinute('to', query.to);
  if (!Number.isInteger(query.limit) || query.limit < 0) throw invalid('limit', query.limit, 'an integer, 0 or above');
  const filters = Object.entries(query.where).map(([name, values]): Filter => {
    const column = columnOf(name, schema, 'where');
    const texts = new Set(values);
    const numbers = new Set<number>();
    for (const text of texts) {
      const number = numberOf(text, column, schema, dictionaries);
      if (number !== undefined) numbers.add(number);
    }
    return { column, texts, numbers };
  });
  // Few kinds leave most rows; of the dimensions the one with the largest dictionary leaves the fewest.
  const spread = ({ column }: Filter): number =>
    column === KIND_COLUMN ? 0 : (dictionaries[column - 1]?.size ?? Number.MAX_SAFE_INTEGER);
  filters.sort((a, b) => spread(b) - spread(a));
  const groupBy = query.groupBy.map((name) => columnOf(name, schema, 'groupBy'));
  return { from, to, filters, groupBy, limit: query.limit };
}

/** What stands for the text in columns without texts of their own; undefined when it can stand in none. */
export function numberOf(
  text: string,
  column: number,
  schema: StateSchema,
  dictionaries: Dictionaries,
): number | undefined {
  const dictionary = dictionaries[column - 1];
  if (column === KIND_COLUMN || dictionary !== undefined) {
    const id = dictionary?.find(text) ?? schema.kinds.indexOf(text);
    return id < 0 ? undefined : id;
  }
  const number = canonicalInt32(text);
  return Number.isNaN(number) ? undefined : number;
}

function columnOf(name: string, schema: StateSchema, field: string): number {
  if (name === 'kind') return KIND_COLUMN;
  const dimension = schema.dimensions.findIndex((dimension) => dimension.name === name);
  if (dimension >= 0) return dimension + 1;
  const names = ['kind', ...schema.dimensions.map(({ name }) => name)];
  const nearest = names.toSorted((a, b) => distance(name, a) - distance(name, b))[0]!;
  const accepted = `one of ${names.join(', ')}`;
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `there is no dimension "${name}", did you mean ${nearest}? Give ${accepted}`,
    {
      field,
      value: name,
      accepted,
    },
  );
}

/** How many letters to change, insert or drop (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function wholeMinute(field: string, value: number): number {
  if (Number.isSafeInteger(value) && value % MINUTE_MS === 0) return value / MINUTE_MS;
  throw invalid(field, value, 'a whole minute in milliseconds since the epoch');
}

const invalid = (field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${field} is ${String(value)}: give ${accepted}`, { field, value, accepted });
