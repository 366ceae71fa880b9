import type { RollupResult, RollupRow, StateSchema } from '../state-store.ts';

import type { Chunk, Column } from './columns.ts';
import { GroupIndex } from './group-index.ts';
import { MINUTE_MS } from './time.ts';
import { textOf } from './merge.ts';
import { type Filter, KIND_COLUMN, type RollupPlan } from './rollup-plan.ts';
import type { Dictionaries } from './row-codec.ts';
import {
  countGroups,
  gather,
  keepAny,
  keepEqual,
  selectAll,
  selectEqual,
  splitGroups,
  sumAll,
  sumGroups,
  sumSelected,
} from './scan-kernels.ts';

/** So many int32 can be added as doubles without losing a bit. */
const EXACT_ROWS = 2 ** 21;
/** Combinations up to here are numbered by a table, more by a map. */
const TABLE_SIZE = 2 ** 20;

/** One group's count and sums in one minute. */
interface Cell {
  count: number;
  /** Of the rows not yet in `exact`. */
  readonly sums: number[];
  pending: number;
  exact: bigint[] | undefined;
}

/** Adds up the chunks of one query, minute after minute. */
export class RollupScan {
  readonly #plan: RollupPlan;
  readonly #schema: StateSchema;
  readonly #dictionaries: Dictionaries;
  readonly #firstMeasure: number;
  readonly #groups: GroupIndex;
  readonly #minutes: { readonly minute: number; readonly cells: Map<number, Cell> }[] = [];
  #selection: Uint32Array;

  /** `selection`: working space, one number per row of the largest chunk; it grows as needed. */
  constructor(plan: RollupPlan, schema: StateSchema, dictionaries: Dictionaries, selection: Uint32Array) {
    this.#plan = plan;
    this.#schema = schema;
    this.#dictionaries = dictionaries;
    this.#firstMeasure = 1 + schema.dimensions.length;
    this.#groups = new GroupIndex(plan.groupBy.length);
    this.#selection = selection;
  }

  get selection(): Uint32Array {
    return this.#selection;
  }

  startMinute(minute: number): void {
    this.#minutes.push({ minute, cells: new Map() });
  }

  add(chunk: Chunk): void {
    const { filters, groupBy } = this.#plan;
    if (this.#selection.length < chunk.rows) this.#selection = new Uint32Array(chunk.rows * 2);
    const cells = this.#minutes.at(-1)!.cells;
    const selected = filters.length === 0 ? chunk.rows : this.#select(chunk);
    if (selected === 0) return;
    if (groupBy.length > 0) {
      if (filters.length === 0) selectAll(chunk.rows, this.#selection);
      this.#addGrouped(chunk, selected, cells);
      return;
    }
    const cell = this.#cell(cells, 0, selected);
    for (let at = 0; at < cell.sums.length; at++) {
      const column = chunk.columns[this.#firstMeasure + at]!;
      const all = selected === chunk.rows;
      cell.sums[at]! += all ? sumAll(column, selected) : sumSelected(column, this.#selection, selected);
    }
  }

  result(): RollupResult {
    const { groups } = this.#groups;
    const counts = new Float64Array(groups.length);
    for (const { cells } of this.#minutes) for (const [id, { count }] of cells) counts[id]! += count;
    const ranked = [...groups.keys()]
      .filter((id) => counts[id]! > 0)
      .toSorted((a, b) => counts[b]! - counts[a]! || compareTexts(groups[a]!, groups[b]!));
    const kept = ranked.slice(0, this.#plan.limit).toSorted((a, b) => compareTexts(groups[a]!, groups[b]!));
    const rows: RollupRow[] = [];
    for (const { minute, cells } of this.#minutes) {
      for (const id of kept) {
        const cell = cells.get(id);
        if (cell === undefined) continue;
        const sums = cell.sums.map((sum, at) => BigInt(sum) + (cell.exact?.[at] ?? 0n));
        rows.push({ minute: minute * MINUTE_MS, group: groups[id]!, count: cell.count, sums });
      }
    }
    return { rows, truncated: kept.length < ranked.length };
  }

  #select(chunk: Chunk): number {
    let selected = -1;
    for (const filter of this.#plan.filters) {
      const column = chunk.columns[filter.column]!;
      const wanted = wantedNumbers(filter, column);
      if (wanted.size === 0) return 0;
      const [only] = wanted;
      if (wanted.size > 1) {
        if (selected < 0) selected = selectAll(chunk.rows, this.#selection);
        selected = keepAny(column, wanted, this.#selection, selected);
      } else if (selected < 0) {
        selected = selectEqual(column, only!, chunk.rows, this.#selection);
      } else {
        selected = keepEqual(column, only!, this.#selection, selected);
      }
      if (selected === 0) return 0;
    }
    return selected;
  }

  #addGrouped(chunk: Chunk, selected: number, cells: Map<number, Cell>): void {
    const values = new Int32Array(selected);
    const { ids, groups } = this.#groupRows(chunk, selected, values);
    const counts = new Float64Array(groups.length);
    countGroups(ids, selected, counts);
    const found = groups.map((group, id) => this.#cell(cells, group, counts[id]!));
    for (let measure = 0; measure < this.#schema.measures.length; measure++) {
      const column = chunk.columns[this.#firstMeasure + measure]!;
      const sums = new Float64Array(groups.length);
      gather(column, this.#selection, selected, values);
      sumGroups(ids, values, selected, sums);
      found.forEach((cell, id) => (cell.sums[measure]! += sums[id]! + column.base * counts[id]!));
    }
  }

  /** Per selected row a group of this chunk, and per such group its number in the query. */
  #groupRows(chunk: Chunk, selected: number, values: Int32Array): { ids: Uint32Array; groups: number[] } {
    const ids = new Uint32Array(selected);
    let groups = [0];
    this.#plan.groupBy.forEach((at, level) => {
      const column = chunk.columns[at]!;
      const next: number[] = [];
      const size = groups.length * rangeOf(column);
      const table = size <= TABLE_SIZE ? new Uint32Array(size) : undefined;
      gather(column, this.#selection, selected, values);
      splitGroups(ids, groups.length, values, selected, table, (id, value) => {
        next.push(this.#groups.group(level, groups[id]!, this.#value(level, column, value)));
      });
      groups = next;
    });
    return { ids, groups };
  }

  #value(level: number, column: Column, data: number): number {
    const number = column.base + data;
    if (column.texts !== undefined) return this.#groups.value(level, column.texts[number]!);
    return this.#groups.valueOfNumber(level, number, () => {
      const at = this.#plan.groupBy[level]!;
      if (at === KIND_COLUMN) return this.#schema.kinds[number]!;
      return textOf(number, undefined, this.#dictionaries[at - 1]);
    });
  }

  /** The group's cell, with `rows` more rows counted and room for their sums. */
  #cell(cells: Map<number, Cell>, group: number, rows: number): Cell {
    let cell = cells.get(group);
    if (cell === undefined) {
      cell = { count: 0, sums: this.#schema.measures.map(() => 0), pending: 0, exact: undefined };
      cells.set(group, cell);
    }
    if (cell.pending + rows > EXACT_ROWS) {
      const { exact } = cell;
      cell.exact = cell.sums.map((sum, at) => BigInt(sum) + (exact?.[at] ?? 0n));
      cell.sums.fill(0);
      cell.pending = 0;
    }
    cell.pending += rows;
    cell.count += rows;
    return cell;
  }
}

function wantedNumbers({ texts, numbers }: Filter, column: Column): ReadonlySet<number> {
  if (column.texts === undefined) return numbers;
  const own = new Set<number>();
  column.texts.forEach((text, number) => {
    if (texts.has(text)) own.add(number);
  });
  return own;
}

/** Values of a column lie below it, the base taken off. */
const rangeOf = ({ data }: Column): number => (data === undefined ? 1 : 2 ** (8 * data.BYTES_PER_ELEMENT));

function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length; at++) {
    if (a[at]! !== b[at]!) return a[at]! < b[at]! ? -1 : 1;
  }
  return 0;
}
