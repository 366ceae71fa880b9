import { MillraceError } from '../errors.ts';
import type { StateSchema } from '../state-store.ts';
import { type Dictionaries, isBounded } from './row-codec.ts';

/** Most values that a dimension's dictionary takes: ids are 16 bits and 65,535 stays free. */
export const DICTIONARY_LIMIT = 65_535;

/**
 * The values of one bounded dimension, numbered in the order in which they were first seen. It only grows, so an id
 * once stored stays readable. Full, it takes no more: further values are stored where they occur.
 */
export class Dictionary {
  readonly #limit: number;
  readonly #values: string[] = [];
  readonly #ids = new Map<string, number>();

  constructor(limit: number = DICTIONARY_LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#values.length;
  }

  /** -1 when the value has no id. */
  find(value: string): number {
    return this.#ids.get(value) ?? -1;
  }

  /** The value's id, new if need be; -1 when it has none and the dictionary is full. */
  intern(value: string): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const id = this.#values.length;
    if (id >= this.#limit) return -1;
    this.#values.push(value);
    this.#ids.set(value, id);
    return id;
  }

  value(id: number): string {
    const value = this.#values[id];
    if (value === undefined) {
      throw new MillraceError('STATE_CORRUPT', `a stored row names the unknown dictionary entry ${id}`);
    }
    return value;
  }

  /** Takes over an entry as it is stored; one that is known already is passed over. */
  load(id: number, value: string): void {
    if (id < this.#values.length) return;
    if (id > this.#values.length) {
      throw new MillraceError('STATE_CORRUPT', `the dictionary has a hole before entry ${id}`);
    }
    this.#values.push(value);
    this.#ids.set(value, id);
  }
}

/** Empty dictionaries, one per bounded dimension. */
export const newDictionaries = (schema: StateSchema, limit?: number): Dictionaries =>
  schema.dimensions.map((dimension) => (isBounded(dimension) ? new Dictionary(limit) : undefined));
