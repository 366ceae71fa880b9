/**
 * The inner loops of a rollup query. The ones that see every row of a chunk exist once per width of the column, because
 * the engine compiles a loop for the array types that it has met there: one shared loop would run at half the speed.
 * They do not branch on the data, which a processor could not predict.
 */
import type { Column } from './columns.ts';
import { PairIndex } from './pair-index.ts';

/** Writes the rows whose value is `value` to `selection`, ascending, and returns how many. */
export function selectEqual(column: Column, value: number, rows: number, selection: Uint32Array): number {
  const { data, base } = column;
  if (data === undefined) return value === base ? selectAll(rows, selection) : 0;
  if (data instanceof Uint8Array) return inRange(value - base, 0xff) ? equal8(data, value - base, selection) : 0;
  if (data instanceof Uint16Array) return inRange(value - base, 0xffff) ? equal16(data, value - base, selection) : 0;
  return equal32(data, value, selection);
}

const inRange = (value: number, most: number): boolean => value >= 0 && value <= most;

export function selectAll(rows: number, selection: Uint32Array): number {
  for (let row = 0; row < rows; row++) selection[row] = row;
  return rows;
}

function equal8(data: Uint8Array, value: number, selection: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < data.length; row++) {
    selection[count] = row;
    count += ((data[row]! ^ value) - 1) >>> 31;
  }
  return count;
}

function equal16(data: Uint16Array, value: number, selection: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < data.length; row++) {
    selection[count] = row;
    count += ((data[row]! ^ value) - 1) >>> 31;
  }
  return count;
}

function equal32(data: Int32Array, value: number, selection: Uint32Array): number {
  let count = 0;
  for (let row = 0; row < data.length; row++) {
    selection[count] = row;
    const difference = data[row]! ^ value;
    count += 1 ^ ((difference | -difference) >>> 31);
  }
  return count;
}

/** Keeps the selected rows whose value is `value`. */
export function keepEqual(column: Column, value: number, selection: Uint32Array, selected: number): number {
  const { data, base } = column;
  if (data === undefined) return value === base ? selected : 0;
  const wanted = value - base;
  let count = 0;
  for (let at = 0; at < selected; at++) {
    const row = selection[at]!;
    selection[count] = row;
    if (data[row] === wanted) count++;
  }
  return count;
}

/** Keeps the selected rows whose value is one of `values`. */
export function keepAny(column: Column, values: ReadonlySet<number>, selection: Uint32Array, selected: number): number {
  const { data, base } = column;
  if (data === undefined) return values.has(base) ? selected : 0;
  let count = 0;
  for (let at = 0; at < selected; at++) {
    const row = selection[at]!;
    selection[count] = row;
    if (values.has(base + data[row]!)) count++;
  }
  return count;
}

/** The sum over all rows; exact, because a chunk has too few rows for 2^53. */
export function sumAll({ data, base }: Column, rows: number): number {
  if (data === undefined) return base * rows;
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += data[row]!;
  return sum + base * rows;
}

/** The sum over the selected rows. */
export function sumSelected({ data, base }: Column, selection: Uint32Array, selected: number): number {
  if (data === undefined) return base * selected;
  if (data instanceof Uint8Array) return sum8(data, selection, selected) + base * selected;
  if (data instanceof Uint16Array) return sum16(data, selection, selected) + base * selected;
  return sum32(data, selection, selected) + base * selected;
}

function sum8(data: Uint8Array, selection: Uint32Array, selected: number): number {
  let sum = 0;
  for (let at = 0; at < selected; at++) sum += data[selection[at]!]!;
  return sum;
}

function sum16(data: Uint16Array, selection: Uint32Array, selected: number): number {
  let sum = 0;
  for (let at = 0; at < selected; at++) sum += data[selection[at]!]!;
  return sum;
}

function sum32(data: Int32Array, selection: Uint32Array, selected: number): number {
  let sum = 0;
  for (let at = 0; at < selected; at++) sum += data[selection[at]!]!;
  return sum;
}

/** Copies the selected rows' values, without the base, so that further loops meet one type of array only. */
export function gather({ data }: Column, selection: Uint32Array, selected: number, target: Int32Array): void {
  if (data === undefined) target.fill(0, 0, selected);
  else if (data instanceof Uint8Array) gather8(data, selection, selected, target);
  else if (data instanceof Uint16Array) gather16(data, selection, selected, target);
  else gather32(data, selection, selected, target);
}

function gather8(data: Uint8Array, selection: Uint32Array, selected: number, target: Int32Array): void {
  for (let at = 0; at < selected; at++) target[at] = data[selection[at]!]!;
}

function gather16(data: Uint16Array, selection: Uint32Array, selected: number, target: Int32Array): void {
  for (let at = 0; at < selected; at++) target[at] = data[selection[at]!]!;
}

function gather32(data: Int32Array, selection: Uint32Array, selected: number, target: Int32Array): void {
  for (let at = 0; at < selected; at++) target[at] = data[selection[at]!]!;
}

/** The least of the gathered values, and how many there are from it to the greatest. */
export function rangeOf(values: Int32Array, selected: number): { least: number; span: number } {
  let least = values[0]!;
  let most = least;
  for (let at = 1; at < selected; at++) {
    const value = values[at]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, span: most - least + 1 };
}

/**
 * Replaces each row's group by one that also tells apart its value, numbered from 0 as they come.
 *
 * @param groups of the rows, below `count`
 * @param values gathered
 * @returns by new group, the one it splits and the value
 */
export function splitGroups(groups: Uint32Array, count: number, values: Int32Array, selected: number): SplitGroups {
  const { least, span } = rangeOf(values, selected);
  const found = { parents: new Int32Array(selected), values: new Int32Array(selected), size: 0 };
  if (span * count <= TABLE_SIZE) splitByTable(groups, count, values, selected, least, span, found);
  else splitByHash(groups, values, selected, found);
  return found;
}

/** Combinations up to here are numbered by a table, more by hashing. */
const TABLE_SIZE = 2 ** 20;

export interface SplitGroups {
  readonly parents: Int32Array;
  readonly values: Int32Array;
  size: number;
}

function splitByTable(
  groups: Uint32Array,
  count: number,
  values: Int32Array,
  selected: number,
  least: number,
  span: number,
  found: SplitGroups,
): void {
  const table = new Uint32Array(span * count);
  let next = 0;
  for (let at = 0; at < selected; at++) {
    const group = groups[at]!;
    const value = values[at]!;
    const name = group * span + (value - least);
    let id = table[name]!;
    if (id === 0) {
      found.parents[next] = group;
      found.values[next] = value;
      table[name] = id = ++next;
    }
    groups[at] = id - 1;
  }
  found.size = next;
}

function splitByHash(groups: Uint32Array, values: Int32Array, selected: number, found: SplitGroups): void {
  const pairs = new PairIndex(selected);
  for (let at = 0; at < selected; at++) {
    const group = groups[at]!;
    const value = values[at]!;
    const id = pairs.number(group, value);
    if (id === found.size) {
      found.parents[id] = group;
      found.values[id] = value;
      found.size++;
    }
    groups[at] = id;
  }
}

/** Counts the rows of each group. */
export function countGroups(groups: Uint32Array, selected: number, counts: Float64Array): void {
  for (let at = 0; at < selected; at++) counts[groups[at]!]!++;
}

/** Adds the gathered values to their groups' sums. */
export function sumGroups(groups: Uint32Array, values: Int32Array, selected: number, sums: Float64Array): void {
  for (let at = 0; at < selected; at++) sums[groups[at]!]! += values[at]!;
}
