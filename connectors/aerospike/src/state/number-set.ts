import { ByteReader, ByteWriter } from '@millrace/core/state';

/** A set of integers from 0 up that is stored as a whole when it has changed. */
export class NumberSet {
  readonly #numbers: Set<number>;
  changed = false;

  constructor(numbers: Iterable<number> = []) {
    this.#numbers = new Set(numbers);
  }

  add(number: number): void {
    if (this.#numbers.has(number)) return;
    this.#numbers.add(number);
    this.changed = true;
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
