import { PARTICLE } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import { sortEntries } from './compare.ts';
import type { MapEntry, MapOrder, Value } from './values.ts';
import { Bytes, Double, INFINITE, ListValue, MapValue, WILDCARD, integerValue } from './values.ts';

/** Extension type of the values that only stand in comparisons. */
const LIMIT_EXTENSION = 0xff;
const LIMIT_INFINITY = 1;
const MAX_DEPTH = 64;

/** An extension: the order of a list or map that it stands first in. */
class Flags {
  readonly bits: number;

  constructor(bits: number) {
    this.bits = bits;
  }
}

/** @throws CommandError for bytes that are not one value */
export function decode(bytes: Buffer): Value {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (value instanceof Flags) throw malformed();
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): Value | Flags {
    if (depth > MAX_DEPTH) throw malformed();
    const head = this.#byte();
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.#map(head & 0x0f, depth);
    if (head < 0xa0) return this.#list(head & 0x0f, depth);
    if (head < 0xc0) return this.#text(head & 0x1f);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xd9:
        return this.#text(this.#unsigned(1));
      case 0xc5:
      case 0xda:
        return this.#text(this.#unsigned(2));
      case 0xc6:
      case 0xdb:
        return this.#text(this.#unsigned(4));
      case 0xc7:
        return this.#extension(this.#unsigned(1));
      case 0xc8:
        return this.#extension(this.#unsigned(2));
      case 0xc9:
        return this.#extension(this.#unsigned(4));
      case 0xca:
        return new Double(this.#bytes.readFloatBE(this.#take(4)));
      case 0xcb:
        return new Double(this.#bytes.readDoubleBE(this.#take(8)));
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xcf:
      case 0xd3:
        return integerValue(this.#bytes.readBigInt64BE(this.#take(8)));
      case 0xd0:
        return this.#bytes.readInt8(this.#take(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#take(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#take(4));
      case 0xd4:
        return this.#extension(1);
      case 0xd5:
        return this.#extension(2);
      case 0xd6:
        return this.#extension(4);
      case 0xd7:
        return this.#extension(8);
      case 0xd8:
        return this.#extension(16);
      case 0xdc:
        return this.#list(this.#unsigned(2), depth);
      case 0xdd:
        return this.#list(this.#unsigned(4), depth);
      case 0xde:
        return this.#map(this.#unsigned(2), depth);
      case 0xdf:
        return this.#map(this.#unsigned(4), depth);
      default:
        throw malformed();
    }
  }

  #list(count: number, depth: number): ListValue {
    const items: Value[] = [];
    let ordered = false;
    for (let index = 0; index < count; index++) {
      const item = this.value(depth + 1);
      if (!(item instanceof Flags)) items.push(item);
      else if (index === 0) ordered = (item.bits & 1) !== 0;
      else throw malformed();
    }
    return new ListValue(items, ordered);
  }

  #map(count: number, depth: number): MapValue {
    const entries: MapEntry[] = [];
    let order: MapOrder = 0;
    for (let index = 0; index < count; index++) {
      const key = this.value(depth + 1);
      const value = this.value(depth + 1);
      if (value instanceof Flags) throw malformed();
      if (!(key instanceof Flags)) entries.push([key, value]);
      else if (index === 0) order = (key.bits & 3) as MapOrder;
      else throw malformed();
    }
    // A client may send the entries of an ordered map as it happens to hold them.
    return new MapValue(order === 0 ? entries : sortEntries(entries), order);
  }

  /** The first byte tells the type of particle; texts of expressions (names of bins) have none. */
  #text(length: number): Value {
    const start = this.#take(length);
    if (length === 0) return '';
    const type = this.#bytes[start]!;
    if (type > PARTICLE.geoJson) return this.#bytes.toString('latin1', start, start + length);
    const data = this.#bytes.toString('latin1', start + 1, start + length);
    return type === PARTICLE.string ? data : new Bytes(type, data);
  }

  #extension(length: number): Value | Flags {
    const type = this.#unsigned(1);
    const start = this.#take(length);
    if (type !== LIMIT_EXTENSION) return new Flags(type);
    return this.#bytes[start] === LIMIT_INFINITY ? INFINITE : WILDCARD;
  }

  #byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw malformed();
    this.#at++;
    return value;
  }

  #unsigned(length: 1 | 2 | 4): number {
    if (length === 1) return this.#byte();
    const start = this.#take(length);
    return length === 2 ? this.#bytes.readUInt16BE(start) : this.#bytes.readUInt32BE(start);
  }

  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw malformed();
    this.#at = start + length;
    return start;
  }
}

const malformed = (): CommandError => new CommandError(RESULT.parameter, 'a list, map or expression cannot be decoded');
