import type { RollupResult, RollupRow, StateSchema } from '@millrace/core';

import type { Chunk, Column } from './columns.ts';
import { MINUTE_MS } from './keys.ts';
import { textOf } from './merge.ts';
import { type Filter, KIND_COLUMN, type RollupPlan } from './rollup-plan.ts';
import type { Dictionaries } from './row-codec.ts';
import { keepAny, keepEqual, selectAll, selectEqual, sumAll, sumSelected } from './scan-kernels.ts';

/** So many int32 can be added as doubles without losing a bit. */
const EXACT_ROWS = 2 ** 21;

/** One group's count and sums in one minute. */
interface Cell {
  count: number;
  /** Of the rows not yet in `exact`. */
  readonly sums: number[];
  pending: number;
  exact: bigint[] | undefined;
}

interface Group {
  readonly values: readonly string[];
  count: number;
}

/** Adds up the chunks of one query, minute after minute. */
export class RollupScan {
  readonly #plan: RollupPlan;
  readonly #schema: StateSchema;
  readonly #dictionaries: Dictionaries;
  readonly #measures: number;
  readonly #groups: Group[] = [];
  readonly #groupIds = new Map<string, number>();
  readonly #minutes: { readonly minute: number; readonly cells: Map<number, Cell> }[] = [];
  #selection: Uint32Array;

  /** `selection`: working space, one number per row of the largest chunk; it grows as needed. */
  constructor(plan: RollupPlan, schema: StateSchema, dictionaries: Dictionaries, selection: Uint32Array) {
    this.#plan = plan;
    this.#schema = schema;
    this.#dictionaries = dictionaries;
    this.#measures = 1 + schema.dimensions.length;
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
    const cell = this.#cell(cells, this.#group([]));
    this.#makeRoom(cell, selected);
    cell.count += selected;
    for (let at = 0; at < cell.sums.length; at++) {
      const column = chunk.columns[this.#measures + at]!;
      cell.sums[at]! +=
        selected === chunk.rows ? sumAll(column, selected) : sumSelected(column, this.#selection, selected);
    }
  }

  result(): RollupResult {
    for (const { cells } of this.#minutes) for (const [id, { count }] of cells) this.#groups[id]!.count += count;
    const ranked = this.#groups.toSorted((a, b) => b.count - a.count || compareTexts(a.values, b.values));
    const kept = new Set(ranked.slice(0, this.#plan.limit));
    const rows = this.#minutes.flatMap(({ minute, cells }) =>
      [...cells]
        .map(([id, cell]) => ({ group: this.#groups[id]!, cell }))
        .filter(({ group }) => kept.has(group))
        .toSorted((a, b) => compareTexts(a.group.values, b.group.values))
        .map(({ group, cell }): RollupRow => ({
          minute: minute * MINUTE_MS,
          group: group.values,
          count: cell.count,
          sums: cell.sums.map((sum, at) => BigInt(sum) + (cell.exact?.[at] ?? 0n)),
        })),
    );
    return { rows, truncated: kept.size < ranked.length };
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
    const columns = this.#plan.groupBy.map((at) => chunk.columns[at]!);
    // Most rows repeat combinations of numbers, so their texts are looked up once per chunk.
    const known = new Map<number | string, Cell>();
    for (let at = 0; at < selected; at++) {
      const row = this.#selection[at]!;
      const name = columns.length === 1 ? numberAt(columns[0]!, row) : columns.map((c) => numberAt(c, row)).join();
      let cell = known.get(name);
      if (cell === undefined) {
        cell = this.#cell(cells, this.#group(columns.map((column, nth) => this.#text(column, nth, row))));
        this.#makeRoom(cell, chunk.rows);
        known.set(name, cell);
      }
      cell.count++;
      for (let measure = 0; measure < cell.sums.length; measure++) {
        cell.sums[measure]! += numberAt(chunk.columns[this.#measures + measure]!, row);
      }
    }
  }

  #text(column: Column, nth: number, row: number): string {
    const at = this.#plan.groupBy[nth]!;
    const number = numberAt(column, row);
    if (at === KIND_COLUMN) return this.#schema.kinds[number] ?? String(number);
    return textOf(number, column.texts, this.#dictionaries[at - 1]);
  }

  #group(values: readonly string[]): number {
    const name = JSON.stringify(values);
    const known = this.#groupIds.get(name);
    if (known !== undefined) return known;
    const id = this.#groups.push({ values, count: 0 }) - 1;
    this.#groupIds.set(name, id);
    return id;
  }

  #cell(cells: Map<number, Cell>, group: number): Cell {
    const known = cells.get(group);
    if (known !== undefined) return known;
    const cell: Cell = { count: 0, sums: this.#schema.measures.map(() => 0), pending: 0, exact: undefined };
    cells.set(group, cell);
    return cell;
  }

  /** Moves the sums to exact integers before they could leave the doubles' range. */
  #makeRoom(cell: Cell, rows: number): void {
    if (cell.pending + rows > EXACT_ROWS) {
      cell.exact = cell.sums.map((sum, at) => BigInt(sum) + (cell.exact?.[at] ?? 0n));
      cell.sums.fill(0);
      cell.pending = 0;
    }
    cell.pending += rows;
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

const numberAt = ({ base, data }: Column, row: number): number => (data === undefined ? base : base + data[row]!);

function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length; at++) {
    if (a[at]! !== b[at]!) return a[at]! < b[at]! ? -1 : 1;
  }
  return 0;
}
