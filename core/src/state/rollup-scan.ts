import type { RollupResult, RollupRow, StateSchema } from '../state-store.ts';

import type { Chunk, Column } from './columns.ts';
import { GroupIndex } from './group-index.ts';
import { MINUTE_MS } from './time.ts';
import { textOf } from './merge.ts';
import { type Filter, KIND_COLUMN, numberOf, type RollupPlan } from './rollup-plan.ts';
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

/** What one chunk adds to groups of its minute: places in the arrays belong together. */
interface Part {
  /** Numbers of the groups in the query, each once. */
  readonly groups: Int32Array;
  readonly counts: Float64Array;
  /** Per measure. */
  readonly sums: readonly Float64Array[];
}

/** Adds up the chunks of one query, minute after minute. */
export class RollupScan {
  readonly #plan: RollupPlan;
  readonly #schema: StateSchema;
  readonly #dictionaries: Dictionaries;
  readonly #firstMeasure: number;
  readonly #groups: GroupIndex;
  readonly #minutes: { readonly minute: number; readonly parts: Part[] }[] = [];
  #selection: Uint32Array;

  /** `selection`: working space, one number per row of the largest chunk; it grows as needed. */
  constructor(plan: RollupPlan, schema: StateSchema, dictionaries: Dictionaries, selection: Uint32Array) {
    this.#plan = plan;
    this.#schema = schema;
    this.#dictionaries = dictionaries;
    this.#firstMeasure = 1 + schema.dimensions.length;
    this.#groups = new GroupIndex(plan.groupBy.length, (level, number) => this.#textOf(level, number));
    this.#selection = selection;
  }

  get selection(): Uint32Array {
    return this.#selection;
  }

  startMinute(minute: number): void {
    this.#minutes.push({ minute, parts: [] });
  }

  add(chunk: Chunk): void {
    const { filters, groupBy } = this.#plan;
    if (this.#selection.length < chunk.rows) this.#selection = new Uint32Array(chunk.rows * 2);
    const selected = filters.length === 0 ? chunk.rows : this.#select(chunk);
    if (selected === 0) return;
    if (groupBy.length > 0 && filters.length === 0) selectAll(chunk.rows, this.#selection);
    const { parts } = this.#minutes.at(-1)!;
    parts.push(groupBy.length > 0 ? this.#grouped(chunk, selected) : this.#total(chunk, selected));
  }

  result(): RollupResult {
    const { kept, truncated } = this.#keptGroups();
    const placeOf = this.#placesOf(kept);
    const rows: RollupRow[] = [];
    for (const { minute, parts } of this.#minutes) {
      const cells = kept.map(() => new Cell(this.#schema.measures.length));
      for (const part of parts) {
        for (let at = 0; at < part.groups.length; at++) {
          const place = placeOf[part.groups[at]!]!;
          if (place >= 0) cells[place]!.add(part, at);
        }
      }
      cells.forEach((cell, place) => {
        if (cell.count === 0) return;
        const { texts } = kept[place]!;
        rows.push({ minute: minute * MINUTE_MS, group: texts, count: cell.count, sums: cell.sums() });
      });
    }
    return { rows, truncated };
  }

  /** The groups with the highest counts over the whole range, ascending by their texts. */
  #keptGroups(): { kept: readonly KeptGroup[]; truncated: boolean } {
    const counts = new Float64Array(this.#groups.size);
    for (const { parts } of this.#minutes) {
      for (const part of parts) {
        for (let at = 0; at < part.groups.length; at++) counts[part.groups[at]!]! += part.counts[at]!;
      }
    }
    const { limit } = this.#plan;
    const found = counts.reduce((sum, count) => (count > 0 ? sum + 1 : sum), 0);
    // Only the groups at the limit's own count need their texts to be ranked.
    const least = found <= limit || limit === 0 ? 1 : counts.toSorted().at(-limit)!;
    const above: KeptGroup[] = [];
    const level: KeptGroup[] = [];
    if (limit > 0) {
      counts.forEach((count, group) => {
        if (count < least || count === 0) return;
        (count > least ? above : level).push({ group, texts: this.#groups.textsOf(group) });
      });
    }
    level.sort(byTexts);
    const kept = [...above, ...level.slice(0, limit - above.length)];
    return { kept: kept.toSorted(byTexts), truncated: kept.length < found };
  }

  /** By group, its place among the kept ones, or -1. */
  #placesOf(kept: readonly KeptGroup[]): Int32Array {
    const places = new Int32Array(this.#groups.size).fill(-1);
    kept.forEach(({ group }, place) => (places[group] = place));
    return places;
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

  /** All selected rows as one group. */
  #total(chunk: Chunk, selected: number): Part {
    const all = selected === chunk.rows;
    const sums = this.#measuresOf(chunk).map((column) =>
      Float64Array.of(all ? sumAll(column, selected) : sumSelected(column, this.#selection, selected)),
    );
    return { groups: Int32Array.of(0), counts: Float64Array.of(selected), sums };
  }

  #grouped(chunk: Chunk, selected: number): Part {
    const values = new Int32Array(selected);
    const { ids, groups } = this.#groupRows(chunk, selected, values);
    const counts = new Float64Array(groups.length);
    countGroups(ids, selected, counts);
    const sums = this.#measuresOf(chunk).map((column) => {
      const sum = new Float64Array(groups.length);
      gather(column, this.#selection, selected, values);
      sumGroups(ids, values, selected, sum);
      for (let id = 0; id < sum.length; id++) sum[id]! += column.base * counts[id]!;
      return sum;
    });
    return { groups, counts, sums };
  }

  #measuresOf({ columns }: Chunk): readonly Column[] {
    return columns.slice(this.#firstMeasure);
  }

  /** Per selected row a group of this chunk, and per such group its number in the query. */
  #groupRows(chunk: Chunk, selected: number, values: Int32Array): { ids: Uint32Array; groups: Int32Array } {
    const ids = new Uint32Array(selected);
    let groups = new Int32Array(1);
    this.#plan.groupBy.forEach((at, level) => {
      const column = chunk.columns[at]!;
      gather(column, this.#selection, selected, values);
      const split = splitGroups(ids, groups.length, values, selected);
      const next = new Int32Array(split.size);
      for (let id = 0; id < split.size; id++) {
        const value = this.#value(level, column, split.values[id]!);
        next[id] = this.#groups.group(level, groups[split.parents[id]!]!, value);
      }
      groups = next;
    });
    return { ids, groups };
  }

  #value(level: number, { base, texts }: Column, data: number): number {
    const number = base + data;
    if (texts === undefined) return this.#groups.valueOfNumber(level, number);
    const text = texts[number]!;
    // Another chunk may have the same value as a number.
    const known = numberOf(text, this.#plan.groupBy[level]!, this.#schema, this.#dictionaries);
    return known === undefined ? this.#groups.valueOfText(level, text) : this.#groups.valueOfNumber(level, known);
  }

  #textOf(level: number, number: number): string {
    const at = this.#plan.groupBy[level]!;
    if (at === KIND_COLUMN) return this.#schema.kinds[number]!;
    return textOf(number, undefined, this.#dictionaries[at - 1]);
  }
}

interface KeptGroup {
  readonly group: number;
  readonly texts: readonly string[];
}

const byTexts = (a: KeptGroup, b: KeptGroup): number => compareTexts(a.texts, b.texts);

/** One group's count and sums in one minute. */
class Cell {
  count = 0;
  /** Of the rows not yet in `exact`. */
  readonly #sums: Float64Array;
  #pending = 0;
  #exact: bigint[] | undefined;

  constructor(measures: number) {
    this.#sums = new Float64Array(measures);
  }

  add({ counts, sums }: Part, at: number): void {
    const rows = counts[at]!;
    if (this.#pending + rows > EXACT_ROWS) {
      this.#exact = this.sums();
      this.#sums.fill(0);
      this.#pending = 0;
    }
    this.#pending += rows;
    this.count += rows;
    for (let measure = 0; measure < sums.length; measure++) this.#sums[measure]! += sums[measure]![at]!;
  }

  sums(): bigint[] {
    return Array.from(this.#sums, (sum, measure) => BigInt(sum) + (this.#exact?.[measure] ?? 0n));
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

function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length; at++) {
    if (a[at]! !== b[at]!) return a[at]! < b[at]! ? -1 : 1;
  }
  return 0;
}
