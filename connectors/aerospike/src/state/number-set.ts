import { ByteReader, ByteWriter } from '@millrace/core/state';

/** A set of integers from 0 up that is stored as a whole when it has changed. */
export class NumberSet {
  readonly #numbers: Set<number>;
  /** The lowest one, once it was asked for. */
  #least: number | undefined;
  changed = false;

  constructor(numbers: Iterable<number> = []) {
    this.#numbers = new Set(numbers);
  }

  has(number: number): boolean {
    return this.#numbers.has(number);
  }

  add(number: number): void {
    if (this.#numbers.has(number)) return;
    this.#numbers.add(number);
    this.#least = undefined;
    this.changed = true;
  }

  delete(number: number): void {
    if (!this.#numbers.delete(number)) return;
    this.#least = undefined;
    this.changed = true;
  }

  /** Those below the limit, ascending, and so many at most. */
  least(limit: number, most: number): number[] {
    // Asked after every commit: nearly always there is none.
    if (this.#least === undefined) {
      this.#least = Infinity;
      for (const number of this.#numbers) this.#least = Math.min(this.#least, number);
    }
    if (this.#least >= limit) return [];
    return this.sorted()
      .filter((number) => number < limit)
      .slice(0, most);
  }

  /** Ascending. */
  sorted(): number[] {
    return [...this.#numbers].toSorted((a, b) => a - b);
  }

  /** Differences, so that neighbours take a byte each. */
  encode(): Buffer {
    const writer = new ByteWriter(256);
    let before = 0;
    for (const number of this.sorted()) {
      writer.varint(number - before);
      before = number;
    }
    return writer.copy();
  }

  static decode(bytes: Buffer | undefined): NumberSet {
    const numbers: number[] = [];
    if (bytes !== undefined) {
      const reader = new ByteReader(bytes);
      for (let number = 0; !reader.done;) numbers.push((number += reader.varint()));
    }
    return new NumberSet(numbers);
  }
}
