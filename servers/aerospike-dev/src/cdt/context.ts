import { compare } from '../msgpack/compare.ts';
import type { MapEntry, MapOrder, Value } from '../msgpack/values.ts';
import { ListValue, MAP_ORDER, MapValue, isInteger } from '../msgpack/values.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import { notApplicable } from './arguments.ts';
import { byKey, find } from './map-operations.ts';
import { byRank, place } from './selection.ts';

/** One step into a nested list or map. */
interface Step {
  /** Kind of step without its flags. */
  readonly kind: number;
  readonly value: Value;
  /** How a list or map that is missing here is made; 0 = not at all. */
  readonly create: number;
}

const KIND = {
  listIndex: 0x10,
  listRank: 0x11,
  listValue: 0x13,
  mapIndex: 0x20,
  mapRank: 0x21,
  mapKey: 0x22,
  mapValue: 0x23,
} as const;

const KIND_BITS = 0x3f;
const LIST_BIT = 0x10;
const CREATE_BITS = 0xc0;
const CREATE_PADDED_LIST = 0x80;
const CREATE_ORDERED_LIST = 0xc0;
const MAP_ORDERS: ReadonlyMap<number, MapOrder> = new Map([
  [0x40, MAP_ORDER.none],
  [0x80, MAP_ORDER.key],
  [0xc0, MAP_ORDER.keyValue],
]);

/** The steps that a client sends as a list of kinds and values in turn. An operation that only reads creates nothing. */
export function readSteps({ items }: ListValue, mayCreate: boolean): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at + 1 < items.length; at += 2) {
    const kind = items[at]!;
    if (typeof kind !== 'number' || kind > 0xff) {
      throw new CommandError(RESULT.unsupportedFeature, 'aerospike-dev does not know this kind of context');
    }
    steps.push({ kind: kind & KIND_BITS, create: mayCreate ? kind & CREATE_BITS : 0, value: items[at + 1]! });
  }
  return steps;
}

/** A list or map, and how another value takes its place. */
export interface Location {
  readonly value: Value | undefined;
  /** How a list or map that is missing here is made; 0 = not at all. */
  readonly create: number;
  readonly replace: (value: Value) => void;
}

/** Walks the steps from the root. @throws CommandError when one of them leads nowhere */
export function follow(root: Location, steps: readonly Step[]): Location {
  let here = root;
  for (const step of steps) {
    const isList = (step.kind & LIST_BIT) !== 0;
    let container = here.value;
    if (container === undefined) {
      const create = here.create === 0 ? step.create : here.create;
      if (create === 0) throw notApplicable('the context leads to nothing');
      container = created(isList, create);
      here.replace(container);
    }
    here = isList ? intoList(container, step) : intoMap(container, step);
  }
  return here;
}

export const created = (isList: boolean, create: number): ListValue | MapValue =>
  isList
    ? new ListValue([], create === CREATE_ORDERED_LIST)
    : new MapValue([], MAP_ORDERS.get(create) ?? MAP_ORDER.none);

function intoList(container: Value, { kind, value, create }: Step): Location {
  if (!(container instanceof ListValue)) throw notApplicable('the context expects a list');
  const { items } = container;
  if (kind === KIND.listIndex && create !== 0 && isInteger(value) && Number(value) >= items.length) {
    const index = Number(value);
    if (index > items.length && create !== CREATE_PADDED_LIST) throw notApplicable('the list would have to be padded');
    return {
      value: undefined,
      create,
      replace: (made) => {
        while (items.length < index) items.push(null);
        items[index] = made;
      },
    };
  }
  const index = listIndex(items, kind, value);
  return { value: items[index]!, create, replace: (changed) => void (items[index] = changed) };
}

function listIndex(items: readonly Value[], kind: number, value: Value): number {
  if (kind === KIND.listIndex) return place(numberOf(value), items.length);
  if (kind === KIND.listRank) return byRank({ values: items, keys: undefined })[place(numberOf(value), items.length)]!;
  return present(items.findIndex((item) => compare(item, value) === 0));
}

function intoMap(container: Value, { kind, value, create }: Step): Location {
  if (!(container instanceof MapValue)) throw notApplicable('the context expects a map');
  if (kind === KIND.mapKey) {
    const { index, exists } = find(container, value);
    if (!exists && create === 0) throw notApplicable('the context leads to nothing');
    if (!exists) {
      return { value: undefined, create, replace: (made) => void container.entries.splice(index, 0, [value, made]) };
    }
    return entryLocation(container.entries[index]!, create);
  }
  return entryLocation(mapEntry(container, kind, value), create);
}

function mapEntry(map: MapValue, kind: number, value: Value): MapEntry {
  const entries = byKey(map);
  if (kind === KIND.mapIndex) return entries[place(numberOf(value), entries.length)]!;
  if (kind === KIND.mapRank) {
    const ranked = byRank({ values: entries.map(([, each]) => each), keys: undefined });
    return entries[ranked[place(numberOf(value), entries.length)]!]!;
  }
  if (kind === KIND.mapValue) return entries[present(entries.findIndex(([, each]) => compare(each, value) === 0))]!;
  throw new CommandError(RESULT.unsupportedFeature, 'aerospike-dev does not know this kind of context');
}

const entryLocation = (entry: MapEntry, create: number): Location => ({
  value: entry[1],
  create,
  replace: (changed) => void (entry[1] = changed),
});

function numberOf(value: Value): number {
  if (!isInteger(value)) throw new CommandError(RESULT.parameter, 'a place in a context is an integer');
  return Number(value);
}

function present(index: number): number {
  if (index < 0) throw notApplicable('the context leads to nothing');
  return index;
}
