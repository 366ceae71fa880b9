import { PARTICLE } from '../protocol/constants.ts';
import type { MapEntry, Value } from './values.ts';
import { Bytes, Double, INFINITE, Limit, ListValue, MapValue, WILDCARD } from './values.ts';

/** Rank of a value's type: values of different types are ordered by it. */
function rank(value: Value): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number' || typeof value === 'bigint') return 2;
  if (typeof value === 'string') return 3;
  if (value instanceof ListValue) return 4;
  if (value instanceof MapValue) return 5;
  if (value instanceof Bytes) return value.type === PARTICLE.geoJson ? 8 : 6;
  if (value instanceof Double) return 7;
  return 9;
}

const order = <T extends number | bigint | boolean | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Aerospike's order of all values: below 0 when `a` is less. A wildcard equals everything. */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return order(a, b);
  if (a === WILDCARD || b === WILDCARD) return 0;
  const byType = rank(a) - rank(b);
  if (byType !== 0 || a === null || a === INFINITE) return byType;
  if (a instanceof ListValue) return compareItems(a.items, (b as ListValue).items);
  if (a instanceof MapValue) return compareMaps(a, b as MapValue);
  if (a instanceof Double) return order(a.value, (b as Double).value);
  if (a instanceof Bytes) return order(a.data, (b as Bytes).data);
  return order(a as number, b as number);
}

/** Whether values are of one type, so that their order means something. */
export const sameType = (a: Value, b: Value): boolean =>
  rank(a) === rank(b) || a instanceof Limit || b instanceof Limit;

export const equals = (a: Value, b: Value): boolean => compare(a, b) === 0;

/** By ascending key; entries that are so already are not copied. */
export function sortEntries(entries: MapEntry[]): MapEntry[] {
  const isSorted = entries.every(([key], index) => index === 0 || compare(entries[index - 1]![0], key) <= 0);
  return isSorted ? entries : entries.toSorted(([a], [b]) => compare(a, b));
}

/** Entry by entry; a wildcard ends the comparison. */
function compareItems(a: readonly Value[], b: readonly Value[]): number {
  const common = Math.min(a.length, b.length);
  for (let index = 0; index < common; index++) {
    if (a[index] === WILDCARD || b[index] === WILDCARD) return 0;
    const result = compare(a[index]!, b[index]!);
    if (result !== 0) return result;
  }
  return a.length - b.length;
}

/** Fewer entries first, then the keys and values in the order of their keys. */
function compareMaps(a: MapValue, b: MapValue): number {
  if (a.entries.length !== b.entries.length) return a.entries.length - b.entries.length;
  const left = sortEntries(a.entries);
  const right = sortEntries(b.entries);
  for (let index = 0; index < left.length; index++) {
    const result = compare(left[index]![0], right[index]![0]) || compare(left[index]![1], right[index]![1]);
    if (result !== 0) return result;
  }
  return 0;
}
