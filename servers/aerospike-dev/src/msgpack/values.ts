/** Types of the values inside lists and maps. Texts and bytes have one character a byte, so that nothing is lost. */

/** A double: an integer is a `number` or, beyond 2^53, a `bigint`. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Bytes with their type of particle: a blob, a GeoJSON text, or a blob of some language. */
export class Bytes {
  readonly type: number;
  readonly data: string;

  constructor(type: number, data: string) {
    this.type = type;
    this.data = data;
  }
}

export class ListValue {
  ordered: boolean;
  items: Value[];

  constructor(items: Value[] = [], ordered = false) {
    this.items = items;
    this.ordered = ordered;
  }
}

/** Orders of a map: none, by key, by key with an index of the values. */
export const MAP_ORDER = {
  none: 0,
  key: 1,
  keyValue: 3,
  /** Not of a map that is stored: the client shall keep the entries in the order of the answer. */
  asAnswered: 8,
} as const;

export type MapOrder = (typeof MAP_ORDER)[keyof typeof MAP_ORDER];

export type MapEntry = [key: Value, value: Value];

export class MapValue {
  order: MapOrder;
  /** By ascending key when the map has an order. */
  entries: MapEntry[];

  constructor(entries: MapEntry[] = [], order: MapOrder = MAP_ORDER.none) {
    this.entries = entries;
    this.order = order;
  }
}

/** Stands for any value, or for one above all others, in what a client compares with. */
export class Limit {
  readonly name: 'wildcard' | 'infinity';

  constructor(name: 'wildcard' | 'infinity') {
    this.name = name;
  }
}

export const WILDCARD = new Limit('wildcard');
export const INFINITE = new Limit('infinity');

export type Value = null | boolean | number | bigint | string | Double | Bytes | ListValue | MapValue | Limit;

/** An integer as a `number` where that is exact. */
export const integerValue = (value: bigint): number | bigint => {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= BigInt(Number.MIN_SAFE_INTEGER) && wrapped <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(wrapped)
    : wrapped;
};

export const isInteger = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
