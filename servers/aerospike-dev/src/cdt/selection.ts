import { compare, equals } from '../msgpack/compare.ts';
import type { Value } from '../msgpack/values.ts';
import { INFINITE } from '../msgpack/values.ts';
import { notApplicable } from './arguments.ts';

/** The elements of a list, or the entries of a map by ascending key, whose positions are their indexes. */
export interface Elements {
  readonly values: readonly Value[];
  /** Undefined for a list. */
  readonly keys: readonly Value[] | undefined;
}

/** Indexes of chosen elements, in the order in which they are answered. */
export interface Selection {
  readonly indexes: readonly number[];
  /** Chosen as the one element at some place: answered by itself and not as a list. */
  readonly single: boolean;
}

const all = (indexes: readonly number[]): Selection => ({ indexes, single: false });

/** Indexes of the elements by ascending value, which is what a rank counts. */
export const byRank = ({ values }: Elements): number[] =>
  values.map((_, index) => index).toSorted((a, b) => compare(values[a]!, values[b]!) || a - b);

export function atIndex(elements: Elements, index: number): Selection {
  return { indexes: [place(index, elements.values.length)], single: true };
}

export function atIndexRange(elements: Elements, index: number, count: number): Selection {
  const [from, to] = range(index, count, elements.values.length);
  return all(indexesBetween(from, to));
}

export function atRank(elements: Elements, rank: number): Selection {
  return { indexes: [byRank(elements)[place(rank, elements.values.length)]!], single: true };
}

export function atRankRange(elements: Elements, rank: number, count: number): Selection {
  const [from, to] = range(rank, count, elements.values.length);
  return all(byRank(elements).slice(from, to));
}

export const withValue = (elements: Elements, wanted: Value): Selection =>
  all(indexesWhere(elements.values, (value) => equals(value, wanted)));

export const withValueOf = (elements: Elements, wanted: readonly Value[]): Selection =>
  all(indexesWhere(elements.values, (value) => wanted.some((one) => equals(value, one))));

/** From `begin` up to but without `end`; a null begin is the lowest, a missing end the highest. */
export const withValueBetween = (elements: Elements, begin: Value, end: Value | undefined): Selection =>
  all(indexesWhere(elements.values, (value) => isBetween(value, begin, end)));

/** By the rank relative to where the value is, or would be. */
export function nearValue(elements: Elements, value: Value, rank: number, count: number): Selection {
  const ranked = byRank(elements);
  const base = ranked.findIndex((index) => compare(elements.values[index]!, value) >= 0);
  const [from, to] = relativeRange(base < 0 ? ranked.length : base, rank, count, ranked.length);
  return all(ranked.slice(from, to));
}

export function withKey({ keys = [] }: Elements, wanted: Value): Selection {
  return { indexes: indexesWhere(keys, (key) => equals(key, wanted)), single: true };
}

export const withKeyOf = ({ keys = [] }: Elements, wanted: readonly Value[]): Selection =>
  all(indexesWhere(keys, (key) => wanted.some((one) => equals(key, one))));

export const withKeyBetween = ({ keys = [] }: Elements, begin: Value, end: Value | undefined): Selection =>
  all(indexesWhere(keys, (key) => isBetween(key, begin, end)));

/** By the index relative to where the key is, or would be. */
export function nearKey({ keys = [] }: Elements, wanted: Value, index: number, count: number): Selection {
  const base = keys.findIndex((key) => compare(key, wanted) >= 0);
  const [from, to] = relativeRange(base < 0 ? keys.length : base, index, count, keys.length);
  return all(indexesBetween(from, to));
}

/** All the others. */
export function inverted({ indexes }: Selection, length: number): Selection {
  const chosen = new Set(indexes);
  return all(indexesBetween(0, length).filter((index) => !chosen.has(index)));
}

/** A place counted from the start, or from the end when it is negative. @throws CommandError when there is none */
export function place(index: number, length: number): number {
  const counted = index < 0 ? length + index : index;
  if (counted < 0 || counted >= length) throw notApplicable(`there is no element ${index} among ${length}`);
  return counted;
}

/** Start and end of a range of places that may reach beyond both ends; a negative count reaches the last. */
export function range(index: number, count: number, length: number): [from: number, to: number] {
  const start = index < 0 ? length + index : index;
  return [clamp(start, length), clamp(count < 0 ? Infinity : start + count, length)];
}

const relativeRange = (base: number, offset: number, count: number, length: number): [number, number] => [
  clamp(base + offset, length),
  clamp(count < 0 ? Infinity : base + offset + count, length),
];

const clamp = (place: number, length: number): number => Math.min(Math.max(place, 0), length);

const isBetween = (value: Value, begin: Value, end: Value | undefined): boolean =>
  (begin === null || compare(value, begin) >= 0) && (end === undefined || end === INFINITE || compare(value, end) < 0);

const indexesBetween = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, step) => from + step);

function indexesWhere(values: readonly Value[], fits: (value: Value) => boolean): number[] {
  return values.flatMap((value, index) => (fits(value) ? [index] : []));
}
