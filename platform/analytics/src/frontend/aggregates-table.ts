import type { RollupResult, RollupRow } from '@millrace/core';
import { productDimension, productIdOf, TAG_STATE_SCHEMA, type Action } from '../tag.ts';
import { formatBucket } from './time.ts';

export const AGGREGATES = ['COUNT', 'SUM_PRICE'] as const;
export type AggregateName = (typeof AGGREGATES)[number];

/** What can be filtered and grouped by, in the order of the columns whatever the order in the query. */
export const DIMENSIONS = TAG_STATE_SCHEMA.dimensions.map(({ name }) => name);
export type DimensionName = (typeof TAG_STATE_SCHEMA.dimensions)[number]['name'];

/** An aggregates query, checked. */
export interface AggregatesTable {
  readonly action: Action;
  /** In the order of the query, repeats included. */
  readonly aggregates: readonly AggregateName[];
  readonly filters: ReadonlyMap<DimensionName, string>;
  /** In the order of {@link DIMENSIONS}. */
  readonly groupBy: readonly DimensionName[];
}

export interface AggregatesAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly truncated?: boolean;
}

/** The values that the state filters by. */
export function whereOf({ action, filters }: AggregatesTable): Record<string, readonly string[]> {
  const where: Record<string, readonly string[]> = { kind: [action] };
  for (const [name, value] of filters) where[name] = name === 'product_id' ? productForms(value) : [value];
  return where;
}

/** A query cannot say whether it means the integer 7 or the string "7": both. */
function productForms(text: string): readonly string[] {
  const integer = Number(text);
  const asString = productDimension(text);
  return Number.isSafeInteger(integer) && String(integer) === text ? [productDimension(integer), asString] : [asString];
}

/** The answer: a row per minute or, when grouped, a row per minute and group that is not empty. */
export function toAnswer(table: AggregatesTable, minutes: readonly number[], result: RollupResult): AggregatesAnswer {
  const dimensions = DIMENSIONS.filter((name) => table.filters.has(name) || table.groupBy.includes(name));
  const columns = ['1m_bucket', 'action', ...dimensions, ...table.aggregates.map((name) => name.toLowerCase())];
  const row = (minute: number, group: readonly string[], cell: Cell): string[] => [
    formatBucket(minute),
    table.action,
    ...dimensions.map((name) => table.filters.get(name) ?? group[table.groupBy.indexOf(name)]!),
    ...table.aggregates.map((name) => (name === 'COUNT' ? String(cell.count) : String(cell.sum))),
  ];
  if (table.groupBy.length > 0) {
    const rows = cellsOf(table, result.rows).map(({ minute, group, ...cell }) => row(minute, group, cell));
    return { columns, rows, truncated: result.truncated };
  }
  const cells = new Map(result.rows.map(({ minute, count, sums }) => [minute, { count, sum: sums[0]! }]));
  return { columns, rows: minutes.map((minute) => row(minute, [], cells.get(minute) ?? EMPTY)) };
}

interface Cell {
  readonly count: number;
  readonly sum: bigint;
}

const EMPTY: Cell = { count: 0, sum: 0n };

interface GroupedCell extends Cell {
  readonly minute: number;
  readonly group: readonly string[];
}

/** The integer 7 and the string "7" are two products to the state and one text in the answer: their cells are added. */
function cellsOf({ groupBy }: AggregatesTable, rows: readonly RollupRow[]): readonly GroupedCell[] {
  const product = groupBy.indexOf('product_id');
  const cells = new Map<string, GroupedCell>();
  for (const { minute, group, count, sums } of rows) {
    const shown = product < 0 ? group : group.with(product, String(productIdOf(group[product]!)));
    const key = product < 0 ? String(cells.size) : JSON.stringify([minute, shown]);
    const other = cells.get(key) ?? EMPTY;
    cells.set(key, { minute, group: shown, count: other.count + count, sum: other.sum + sums[0]! });
  }
  return [...cells.values()];
}
