import { compare, equals } from '../msgpack/compare.ts';
import type { Value } from '../msgpack/values.ts';
import { ListValue } from '../msgpack/values.ts';
import { LARGEST_RECORD_BYTES, MAX_FRAME_BYTES } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Arguments } from './arguments.ts';
import { notApplicable } from './arguments.ts';
import { sum } from './numbers.ts';
import { answerOf, invertedIfAsked } from './return-type.ts';
import type { Elements, Selection } from './selection.ts';
import * as select from './selection.ts';

/** Changes the list or reads it; returns the answer, undefined for none. */
export type ListRun = (list: ListValue, args: Arguments) => Value | undefined;

/** Flags of a write to a list. */
const ADD_UNIQUE = 1;
const INSERT_BOUNDED = 2;
const NO_FAIL = 4;
const PARTIAL = 8;

/** Flags of a sort. */
const DESCENDING = 1;
const DROP_DUPLICATES = 2;

const SET_ORDER = 0;

/** Operations that make the list where there is none, with the position of the parameter that tells its order, if any. */
export const CREATING_LIST_OPERATIONS: ReadonlyMap<number, number | undefined> = new Map([
  [SET_ORDER, 0],
  [1, 1],
  [2, 1],
  [3, undefined],
  [4, undefined],
  [9, undefined],
  [12, 2],
]);

type Choose = (elements: Elements, args: Arguments) => Selection;

/** How the parameters choose elements; the first of them is the return type. The codes are those of reading and removing. */
const CHOICES: readonly (readonly [read: number, remove: number, choose: Choose])[] = [
  [19, 32, (elements, args) => select.atIndex(elements, args.integer(1))],
  [21, 34, (elements, args) => select.atRank(elements, args.integer(1))],
  [22, 35, (elements, args) => select.withValue(elements, args.value(1))],
  [23, 36, (elements, args) => select.withValueOf(elements, args.list(1).items)],
  [24, 37, (elements, args) => select.atIndexRange(elements, args.integer(1), args.optionalInteger(2, Infinity))],
  [25, 38, (elements, args) => select.withValueBetween(elements, args.value(1), args.optionalValue(2))],
  [26, 39, (elements, args) => select.atRankRange(elements, args.integer(1), args.optionalInteger(2, Infinity))],
  [
    27,
    40,
    (elements, args) => select.nearValue(elements, args.value(1), args.integer(2), args.optionalInteger(3, Infinity)),
  ],
];

/** By code. */
export const LIST_OPERATIONS: ReadonlyMap<number, ListRun> = new Map<number, ListRun>([
  [SET_ORDER, setOrder],
  [1, (list, args) => append(list, [args.value(0)], args.optionalInteger(2, 0))],
  [2, (list, args) => append(list, args.list(0).items, args.optionalInteger(2, 0))],
  [3, (list, args) => insert(list, args.integer(0), [args.value(1)], args.optionalInteger(2, 0))],
  [4, (list, args) => insert(list, args.integer(0), args.list(1).items, args.optionalInteger(2, 0))],
  [5, (list, args) => withoutNull(list.items.splice(select.place(args.integer(0), list.items.length), 1)[0])],
  [6, (list, args) => new ListValue(cutRange(list, args))],
  [7, (list, args) => list.items.splice(select.place(args.integer(0), list.items.length), 1).length],
  [8, (list, args) => cutRange(list, args).length],
  [9, set],
  [10, trim],
  [11, clear],
  [12, increment],
  [13, sort],
  [16, (list) => list.items.length],
  [17, (list, args) => withoutNull(list.items[select.place(args.integer(0), list.items.length)])],
  [18, (list, args) => new ListValue(list.items.slice(...rangeOf(list, args)))],
  ...CHOICES.flatMap(([read, remove, choose]): [number, ListRun][] => [
    [read, (list, args) => answerChosen(list, args, chosen(list, args, choose))],
    [
      remove,
      (list, args) => {
        const selection = chosen(list, args, choose);
        const answer = answerChosen(list, args, selection);
        const removed = new Set(selection.indexes);
        list.items = list.items.filter((_, index) => !removed.has(index));
        return answer;
      },
    ],
  ]),
]);

const elementsOf = ({ items }: ListValue): Elements => ({ values: items, keys: undefined });

const chosen = (list: ListValue, args: Arguments, choose: Choose): Selection =>
  invertedIfAsked(choose(elementsOf(list), args), args.integer(0), list.items.length);

const answerChosen = (list: ListValue, args: Arguments, selection: Selection): Value | undefined =>
  withoutNull(answerOf(elementsOf(list), selection, args.integer(0)));

/** An element that is null is answered as a bin that is not there. */
const withoutNull = (value: Value | undefined): Value | undefined => value ?? undefined;

const rangeOf = ({ items }: ListValue, args: Arguments): [number, number] =>
  select.range(args.integer(0), args.optionalInteger(1, Infinity), items.length);

function cutRange(list: ListValue, args: Arguments): Value[] {
  const [from, to] = rangeOf(list, args);
  return list.items.splice(from, to - from);
}

function setOrder(list: ListValue, args: Arguments): undefined {
  list.ordered = (args.integer(0) & 1) !== 0;
  keepOrder(list);
}

function append(list: ListValue, items: readonly Value[], flags: number): number {
  for (const item of acceptable(list, items, flags)) list.items.push(item);
  keepOrder(list);
  return list.items.length;
}

function insert(list: ListValue, index: number, items: readonly Value[], flags: number): number {
  if (list.ordered) throw notApplicable('an ordered list takes no inserts at an index');
  const at = writableIndex(list, index, flags, list.items.length);
  if (at !== undefined) {
    const accepted = acceptable(list, items, flags);
    if (accepted.length > 0) {
      padTo(list, at);
      list.items.splice(at, 0, ...accepted);
    }
  }
  return list.items.length;
}

function set(list: ListValue, args: Arguments): undefined {
  if (list.ordered) throw notApplicable('an ordered list takes no value at an index');
  const flags = args.optionalInteger(2, 0);
  const at = writableIndex(list, args.integer(0), flags, list.items.length - 1);
  if (at === undefined || acceptable(list, [args.value(1)], flags).length === 0) return;
  padTo(list, at);
  list.items[at] = args.value(1);
}

/** Adds to a number; an element that is not there yet counts as 0. */
function increment(list: ListValue, args: Arguments): Value {
  const flags = args.optionalInteger(3, 0);
  const at = writableIndex(list, args.integer(0), flags, list.items.length - 1);
  if (at === undefined) return args.count > 1 ? args.value(1) : 1;
  const total = sum(list.items[at], args.count > 1 ? args.value(1) : 1);
  if (acceptable(list, [total], flags).length === 0) return total;
  padTo(list, at);
  list.items[at] = total;
  keepOrder(list);
  return total;
}

/** Keeps only the range, and answers how many elements went. */
function trim(list: ListValue, args: Arguments): number {
  const { length } = list.items;
  list.items = list.items.slice(...rangeOf(list, args));
  return length - list.items.length;
}

function clear(list: ListValue): undefined {
  list.items = [];
}

function sort(list: ListValue, args: Arguments): undefined {
  const flags = args.optionalInteger(0, 0);
  let items = list.items.toSorted(compare);
  if ((flags & DROP_DUPLICATES) !== 0) {
    items = items.filter((item, index) => index === 0 || !equals(item, items[index - 1]!));
  }
  if ((flags & DESCENDING) !== 0 && !list.ordered) items.reverse();
  list.items = items;
}

/** The items that may be added, which are all of them unless the list's elements shall be unique. */
function acceptable(list: ListValue, items: readonly Value[], flags: number): readonly Value[] {
  if ((flags & ADD_UNIQUE) === 0) return items;
  const accepted: Value[] = [];
  for (const item of items) {
    const exists = [...list.items, ...accepted].some((other) => equals(other, item));
    if (!exists) accepted.push(item);
    else if ((flags & NO_FAIL) === 0) throw new CommandError(RESULT.elementExists, 'the list has such an element');
    else if ((flags & PARTIAL) === 0) return [];
  }
  return accepted;
}

/** Where to write; undefined when there is no such place and the client wants no failure. */
function writableIndex(list: ListValue, index: number, flags: number, last: number): number | undefined {
  const at = index < 0 ? list.items.length + index : index;
  if (at >= 0 && (at <= last || (flags & INSERT_BOUNDED) === 0)) return at;
  if (at >= 0 && (flags & NO_FAIL) !== 0) return undefined;
  throw notApplicable(`index ${index} is outside of a list of ${list.items.length} elements`);
}

function padTo(list: ListValue, length: number): void {
  // An element takes a byte at least, so no message and no record could hold the list; its memory is not taken at all.
  if (length > MAX_FRAME_BYTES) throw new CommandError(RESULT.parameter, `a list of ${length} elements`);
  if (length > LARGEST_RECORD_BYTES) throw new CommandError(RESULT.recordTooBig, `a list of ${length} elements`);
  while (list.items.length < length) list.items.push(null);
}

function keepOrder(list: ListValue): void {
  if (list.ordered) list.items = list.items.toSorted(compare);
}
