import type { StateEvent, StateSchema } from '../state-store.ts';

import type { ColumnValues } from './columns.ts';
import { isBounded } from './row-codec.ts';

/** The rows that one commit adds to one minute. */
export class MinuteRows {
  readonly #events: StateEvent[] = [];
  readonly #numbers: number[][];

  constructor(dimensions: number) {
    this.#numbers = Array.from({ length: dimensions }, () => []);
  }

  get length(): number {
    return this.#events.length;
  }

  /** `numbers` as for `encodeRow`; they are copied. */
  add(event: StateEvent, numbers: ArrayLike<number>): void {
    this.#events.push(event);
    for (let at = 0; at < this.#numbers.length; at++) this.#numbers[at]!.push(numbers[at]!);
  }

  /** The columns in the order of a chunk. */
  columns(schema: StateSchema): ColumnValues[] {
    const kinds = this.#events.map(({ kind }) => kind);
    const dimensions = schema.dimensions.map((dimension, at) => {
      const numbers = this.#numbers[at]!;
      // -1 stands for a value beyond the dictionary, NaN for a text that is no int32: then the chunk brings its own.
      const plain = isBounded(dimension) ? !numbers.includes(-1) : !numbers.includes(Number.NaN);
      return plain ? { numbers } : localColumn(this.#events.map(({ dimensions }) => dimensions[at]!));
    });
    const measures = schema.measures.map((_, at) => ({ numbers: this.#events.map(({ measures }) => measures[at]!) }));
    return [{ numbers: kinds }, ...dimensions, ...measures];
  }
}

/** A column of any texts, with a dictionary of its own. */
export function localColumn(values: readonly string[]): ColumnValues {
  const ids = new Map<string, number>();
  const numbers = values.map((value) => {
    const known = ids.get(value);
    if (known !== undefined) return known;
    ids.set(value, ids.size);
    return ids.size - 1;
  });
  return { numbers, texts: [...ids.keys()] };
}
