import { PARTICLE } from '../protocol/constants.ts';
import type { Particle } from '../storage/packed-bins.ts';
import type { Value } from './values.ts';
import { Bytes, Double, Limit, ListValue, MapValue } from './values.ts';

export function encode(value: Value): Buffer {
  const writer = new Writer();
  writer.value(value);
  return writer.bytes();
}

/** The value as that of a bin. */
export function particleOf(value: Value): Particle {
  if (value === null || value instanceof Limit) return { type: PARTICLE.null, data: Buffer.alloc(0) };
  if (typeof value === 'boolean') return { type: PARTICLE.boolean, data: Buffer.from([Number(value)]) };
  if (typeof value === 'string') return { type: PARTICLE.string, data: Buffer.from(value, 'latin1') };
  if (value instanceof Bytes) return { type: value.type, data: Buffer.from(value.data, 'latin1') };
  if (value instanceof ListValue) return { type: PARTICLE.list, data: encode(value) };
  if (value instanceof MapValue) return { type: PARTICLE.map, data: encode(value) };
  const data = Buffer.allocUnsafe(8);
  if (value instanceof Double) {
    data.writeDoubleBE(value.value);
    return { type: PARTICLE.double, data };
  }
  data.writeBigInt64BE(BigInt(value));
  return { type: PARTICLE.integer, data };
}

class Writer {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  value(value: Value): void {
    if (value === null) this.#byte(0xc0);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#integer(value);
    else if (typeof value === 'bigint') this.#long(value);
    else if (typeof value === 'string') this.#text(PARTICLE.string, value);
    else if (value instanceof Double) this.#double(value.value);
    else if (value instanceof Bytes) this.#text(value.type, value.data);
    else if (value instanceof ListValue) this.#list(value);
    else if (value instanceof MapValue) this.#map(value);
    else this.#limit(value);
  }

  #list({ items, ordered }: ListValue): void {
    this.#head(items.length + Number(ordered), 0x90, 16, 0xdc);
    if (ordered) this.#flags(1);
    for (const item of items) this.value(item);
  }

  #map({ entries, order }: MapValue): void {
    this.#head(entries.length + (order === 0 ? 0 : 1), 0x80, 16, 0xde);
    if (order !== 0) {
      this.#flags(order);
      this.#byte(0xc0);
    }
    for (const [key, value] of entries) {
      this.value(key);
      this.value(value);
    }
  }

  /** Length of a list or map: within the head, or in 2 or 4 bytes. */
  #head(count: number, short: number, shortEnd: number, long: number): void {
    if (count < shortEnd) this.#byte(short | count);
    else if (count < 0x10000) this.#unsigned(long, count, 2);
    else this.#unsigned(long + 1, count, 4);
  }

  #text(type: number, data: string): void {
    const length = data.length + 1;
    if (length < 32) this.#byte(0xa0 | length);
    else if (length < 0x100) this.#unsigned(0xd9, length, 1);
    else if (length < 0x10000) this.#unsigned(0xda, length, 2);
    else this.#unsigned(0xdb, length, 4);
    this.#byte(type);
    this.#reserve(data.length);
    this.#length += this.#buffer.write(data, this.#length, 'latin1');
  }

  #integer(value: number): void {
    if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#unsigned(0xcc, value, 1);
      else if (value < 0x10000) this.#unsigned(0xcd, value, 2);
      else if (value < 0x100000000) this.#unsigned(0xce, value, 4);
      else this.#long(BigInt(value));
    } else if (value >= -32) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#unsigned(0xd0, value & 0xff, 1);
    else if (value >= -0x8000) this.#unsigned(0xd1, value & 0xffff, 2);
    else if (value >= -0x80000000) this.#unsigned(0xd2, value >>> 0, 4);
    else this.#long(BigInt(value));
  }

  #long(value: bigint): void {
    this.#byte(value < 0n ? 0xd3 : 0xcf);
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64BE(value, this.#length);
  }

  #double(value: number): void {
    this.#byte(0xcb);
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
  }

  /** An extension without content, whose type says the order of the list or map. */
  #flags(bits: number): void {
    this.#byte(0xc7);
    this.#byte(0);
    this.#byte(bits);
  }

  #limit({ name }: Limit): void {
    this.#byte(0xd4);
    this.#byte(0xff);
    this.#byte(Number(name === 'infinity'));
  }

  #unsigned(head: number, value: number, length: number): void {
    this.#byte(head);
    this.#reserve(length);
    this.#length = this.#buffer.writeUIntBE(value, this.#length, length);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#length + size, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
