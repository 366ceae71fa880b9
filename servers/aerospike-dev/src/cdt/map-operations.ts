import { compare, sortEntries } from '../msgpack/compare.ts';
import type { MapEntry, MapOrder, MapValue, Value } from '../msgpack/values.ts';
import { Bytes, isInteger } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Arguments } from './arguments.ts';
import { notApplicable } from './arguments.ts';
import { negated, sum } from './numbers.ts';
import { answerOf, invertedIfAsked, returnsRank } from './return-type.ts';
import type { Elements, Selection } from './selection.ts';
import * as select from './selection.ts';

/** Changes the map or reads it; returns the answer, undefined for none. */
export type MapRun = (map: MapValue, args: Arguments) => Value | undefined;

/** Flags of a write to a map. */
const CREATE_ONLY = 1;
const UPDATE_ONLY = 2;
const NO_FAIL = 4;
const PARTIAL = 8;

export const FIRST_MAP_OPERATION = 64;
const SET_ORDER = FIRST_MAP_OPERATION;
const ORDER_BITS = 3;

/** Operations that make the map where there is none, with the position of the parameter that tells its order, if any. */
export const CREATING_MAP_OPERATIONS: ReadonlyMap<number, number | undefined> = new Map([
  [SET_ORDER, 0],
  [65, 2],
  [66, 1],
  [67, 2],
  [68, 1],
  [73, 2],
  [74, 2],
]);

type Choose = (elements: Elements, args: Arguments) => Selection;

/** How the parameters choose entries; the first of them is the return type. The codes are those of reading and removing. */
const CHOICES: readonly (readonly [read: number, remove: number, choose: Choose])[] = [
  [97, 76, (elements, args) => select.withKey(elements, args.value(1))],
  [98, 77, (elements, args) => select.atIndex(elements, args.integer(1))],
  [100, 79, (elements, args) => select.atRank(elements, args.integer(1))],
  [102, 82, (elements, args) => select.withValue(elements, args.value(1))],
  [103, 84, (elements, args) => select.withKeyBetween(elements, args.value(1), args.optionalValue(2))],
  [104, 85, (elements, args) => select.atIndexRange(elements, args.integer(1), args.optionalInteger(2, Infinity))],
  [105, 86, (elements, args) => select.withValueBetween(elements, args.value(1), args.optionalValue(2))],
  [106, 87, (elements, args) => select.atRankRange(elements, args.integer(1), args.optionalInteger(2, Infinity))],
  [107, 81, withKeyOf],
  [108, 83, (elements, args) => select.withValueOf(elements, args.list(1).items)],
  [
    109,
    88,
    (elements, args) => select.nearKey(elements, args.value(1), args.integer(2), args.optionalInteger(3, Infinity)),
  ],
  [
    110,
    89,
    (elements, args) => select.nearValue(elements, args.value(1), args.integer(2), args.optionalInteger(3, Infinity)),
  ],
];

/** As on a real server, keys are not chosen by a list where ranks shall be returned. */
function withKeyOf(elements: Elements, args: Arguments): Selection {
  if (returnsRank(args.integer(0))) throw notApplicable('a list of keys has no ranks to return');
  return select.withKeyOf(elements, args.list(1).items);
}

/** By code. */
export const MAP_OPERATIONS: ReadonlyMap<number, MapRun> = new Map<number, MapRun>([
  [SET_ORDER, setOrder],
  [65, (map, args) => put(map, [[args.value(0), args.value(1)]], CREATE_ONLY)],
  [66, (map, args) => put(map, args.map(0).entries, CREATE_ONLY)],
  [67, (map, args) => put(map, [[args.value(0), args.value(1)]], args.optionalInteger(3, 0))],
  [68, (map, args) => put(map, args.map(0).entries, args.optionalInteger(2, 0))],
  [69, (map, args) => put(map, [[args.value(0), args.value(1)]], UPDATE_ONLY)],
  [70, (map, args) => put(map, args.map(0).entries, UPDATE_ONLY)],
  [73, (map, args) => add(map, args.value(0), args.optionalValue(1) ?? 1)],
  [74, (map, args) => add(map, args.value(0), negated(args.optionalValue(1) ?? 1))],
  [75, clear],
  [96, (map) => map.entries.length],
  ...CHOICES.flatMap(([read, remove, choose]): [number, MapRun][] => [
    [read, (map, args) => runChoice(byKey(map), args, choose).answer],
    [
      remove,
      (map, args) => {
        const entries = byKey(map);
        const { answer, selection } = runChoice(entries, args, choose);
        const removed = new Set(selection.indexes.map((index) => entries[index]));
        map.entries = map.entries.filter((entry) => !removed.has(entry));
        return answer;
      },
    ],
  ]),
]);

/** Entries by ascending key: the index of an entry counts so in every map. */
export const byKey = ({ entries, order }: MapValue): readonly MapEntry[] =>
  order === 0 ? sortEntries(entries) : entries;

export const elementsOf = (entries: readonly MapEntry[]): Elements => ({
  values: entries.map(([, value]) => value),
  keys: entries.map(([key]) => key),
});

function runChoice(
  entries: readonly MapEntry[],
  args: Arguments,
  choose: Choose,
): { selection: Selection; answer: Value | undefined } {
  const elements = elementsOf(entries);
  const returnType = args.integer(0);
  const selection = invertedIfAsked(choose(elements, args), returnType, entries.length);
  return { selection, answer: answerOf(elements, selection, returnType) };
}

function setOrder(map: MapValue, args: Arguments): undefined {
  map.order = (args.integer(0) & ORDER_BITS) as MapOrder;
  if (map.order !== 0) map.entries = sortEntries(map.entries);
}

/** Puts the entries, as far as the flags allow, and answers how many the map then has. */
function put(map: MapValue, entries: readonly MapEntry[], flags: number): number {
  const accepted: MapEntry[] = [];
  const places = entries.length > 1 && map.order === 0 ? placesOf(map) : undefined;
  for (const entry of entries) {
    checkKey(entry[0]);
    const exists = places === undefined ? find(map, entry[0]).exists : places.has(keyText(entry[0]));
    const refused = exists ? (flags & CREATE_ONLY) !== 0 : (flags & UPDATE_ONLY) !== 0;
    if (!refused) accepted.push(entry);
    else if ((flags & NO_FAIL) === 0) {
      throw exists
        ? new CommandError(RESULT.elementExists, 'the map has an entry of this key')
        : new CommandError(RESULT.elementNotFound, 'the map has no entry of this key');
    } else if ((flags & PARTIAL) === 0) return map.entries.length;
  }
  for (const entry of accepted) {
    if (places === undefined) putEntry(map, ...entry);
    else putAt(map, places, entry);
  }
  return map.entries.length;
}

/** Where each key of a map without order is: else putting many entries would compare each with all that are there. */
const placesOf = ({ entries }: MapValue): Map<string, number> =>
  new Map(entries.map(([key], index) => [keyText(key), index]));

function putAt({ entries }: MapValue, places: Map<string, number>, entry: MapEntry): void {
  const text = keyText(entry[0]);
  const place = places.get(text) ?? entries.length;
  places.set(text, place);
  entries[place] = entry;
}

/** The same for keys that compare as equal, and for no others. */
function keyText(key: Value): string {
  if (key instanceof Bytes) return `blob ${key.data}`;
  return typeof key === 'string' ? `text ${key}` : `integer ${key as number | bigint}`;
}

function add(map: MapValue, key: Value, delta: Value): Value {
  const { index, exists } = find(map, key);
  checkKey(key);
  const total = sum(exists ? map.entries[index]![1] : undefined, delta);
  putEntry(map, key, total);
  return total;
}

function checkKey(key: Value): void {
  const isBlob = key instanceof Bytes && key.type === PARTICLE.blob;
  if (isInteger(key) || typeof key === 'string' || isBlob) return;
  throw new CommandError(RESULT.parameter, 'the key of a map is an integer, a text or a blob');
}

function clear(map: MapValue): undefined {
  map.entries = [];
}

export function putEntry(map: MapValue, key: Value, value: Value): void {
  const { index, exists } = find(map, key);
  map.entries.splice(index, Number(exists), [key, value]);
}

/** Where the key is, or would be put. */
export function find({ entries, order }: MapValue, key: Value): { index: number; exists: boolean } {
  if (order === 0) {
    const index = entries.findIndex(([other]) => compare(other, key) === 0);
    return index < 0 ? { index: entries.length, exists: false } : { index, exists: true };
  }
  let from = 0;
  let to = entries.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compare(entries[middle]![0], key) < 0) from = middle + 1;
    else to = middle;
  }
  return { index: from, exists: from < entries.length && compare(entries[from]![0], key) === 0 };
}
