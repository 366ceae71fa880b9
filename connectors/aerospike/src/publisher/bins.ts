import { MillraceError } from '@millrace/core';

/** A value as the client takes it, checked: nothing in it will be stored as something else. */
export type BinValue = null | boolean | number | string | Buffer | readonly BinValue[] | BinMap;
export interface BinMap {
  readonly [key: string]: BinValue;
}

export interface CheckedBins {
  readonly bins: Readonly<Record<string, BinValue>>;
  /** What the record takes on the server, about. */
  readonly bytes: number;
}

const MAX_NAME_BYTES = 15;
const MAX_DEPTH = 100;
/** The client sets the prototype of what it reads instead of a field of this name. */
const LOST_NAME = '__proto__';
/** Of a record and of each bin, beside its name and value. */
const RECORD_BYTES = 40;
const BIN_BYTES = 8;

/**
 * The fields of a value as the bins of a record, copied, so that a later change has no effect.
 *
 * @param without fields that are no bins
 * @throws INVALID_ARGUMENT naming the field that Aerospike cannot store, or that its client would change without a word
 */
export function binsOf(value: Readonly<Record<string, unknown>>, without: ReadonlySet<string>): CheckedBins {
  const bins: Record<string, BinValue> = {};
  const copy = new CheckedCopy();
  let bytes = RECORD_BYTES;
  let count = 0;
  for (const name of Object.keys(value)) {
    if (without.has(name)) continue;
    bytes += BIN_BYTES + checkName(name);
    bins[name] = copy.of(value[name], name, 0);
    count++;
  }
  if (count === 0) {
    throw refusal('the message has no field to store', 'value', value, 'an object with at least one field');
  }
  return { bins, bytes: bytes + copy.bytes };
}

/** @returns its length in bytes */
function checkName(name: string): number {
  if (name === LOST_NAME) throw refusal(`${name} cannot be the name of a bin`, name, name, 'another name');
  const bytes = Buffer.byteLength(name);
  if (bytes > 0 && bytes <= MAX_NAME_BYTES && isStorable(name)) return bytes;
  const accepted = `a name of 1 to ${MAX_NAME_BYTES} bytes without NUL`;
  throw refusal(`"${name}" has ${bytes} bytes and cannot be the name of a bin`, name, name, accepted);
}

class CheckedCopy {
  /** Of all that was copied. */
  bytes = 0;

  of(value: unknown, field: string, depth: number): BinValue {
    switch (typeof value) {
      case 'string':
        return this.#text(value, field);
      case 'number':
        return this.#number(value, field);
      case 'boolean':
        this.bytes += 1;
        return value;
      case 'object':
        return value === null ? this.#nothing() : this.#object(value, field, depth);
      default:
        throw unstorable(field, value);
    }
  }

  #nothing(): null {
    this.bytes += 1;
    return null;
  }

  #text(value: string, field: string): string {
    if (!isStorable(value)) {
      const message = `the text of ${field} has a NUL or half of a surrogate pair, which Aerospike's client does not store as it is`;
      throw refusal(message, field, value, 'well-formed text without NUL, or a Buffer');
    }
    this.bytes += Buffer.byteLength(value);
    return value;
  }

  #number(value: number, field: string): number {
    this.bytes += 8;
    // A larger integer comes back as a bigint, and one beyond 64 bits as another number.
    const isKept = Number.isInteger(value) ? isStorableInteger(value) : Number.isFinite(value);
    if (isKept) return value;
    throw refusal(
      `${field} is ${Object.is(value, -0) ? '-0' : value}, which does not come back as the same number`,
      field,
      value,
      'a finite number other than -0; integers between -(2^53 - 1) and 2^53 - 1, larger ones as text',
    );
  }

  #object(value: object, field: string, depth: number): BinValue {
    if (value instanceof Uint8Array) {
      this.bytes += value.length;
      return Buffer.from(value);
    }
    if (depth >= MAX_DEPTH) {
      const message = `${field.slice(0, 60)} is nested more than ${MAX_DEPTH} deep, or within itself`;
      throw refusal(message, field.split(/[.[]/, 1)[0]!, '(nested)', `at most ${MAX_DEPTH} levels`);
    }
    if (Array.isArray(value)) {
      return Array.from(value as unknown[], (item, at) => this.of(item, `${field}[${at}]`, depth + 1));
    }
    if (!isPlain(value)) throw unstorable(field, value);
    const map: Record<string, BinValue> = {};
    for (const [key, item] of Object.entries(value)) {
      const inner = `${field}.${key}`;
      if (!isStorable(key) || key === LOST_NAME) {
        const accepted = `well-formed text, but not ${LOST_NAME}`;
        throw refusal(`the client cannot keep the key "${key}" of the map ${field}`, field, key, accepted);
      }
      this.bytes += Buffer.byteLength(key) + 2;
      map[key] = this.of(item, inner, depth + 1);
    }
    return map;
  }
}

/** Its client cuts texts at a NUL, and replaces halves of surrogate pairs. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** An integer of the server has no -0. */
export const isStorableInteger = (value: unknown): value is number =>
  Number.isSafeInteger(value) && !Object.is(value, -0);

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function unstorable(field: string, value: unknown): MillraceError {
  const kind = typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'object') : typeof value;
  return refusal(
    `${field} is of the type ${kind}, which Aerospike's client does not store as it is`,
    field,
    kind,
    'null, true, false, a number, a text, a Buffer, an array or a plain object of these; a date as text',
  );
}

export const refusal = (message: string, field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${message}: give ${accepted}`, { field, value, accepted });
