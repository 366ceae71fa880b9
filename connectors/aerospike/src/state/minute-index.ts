import { ByteReader, ByteWriter } from '@millrace/core/state';

/** The minutes of a partition that exist, with the last block of each: stored as a whole when it has changed. */
export class MinuteIndex {
  readonly #lastBlocks = new Map<number, number>();
  /** The lowest minute, once it was asked for. */
  #least: number | undefined;
  changed = false;

  /** Undefined for a minute that there is not. */
  lastBlock(minute: number): number | undefined {
    return this.#lastBlocks.get(minute);
  }

  set(minute: number, block: number): void {
    if (this.#lastBlocks.get(minute) === block) return;
    this.#lastBlocks.set(minute, block);
    this.#least = undefined;
    this.changed = true;
  }

  delete(minute: number): void {
    if (!this.#lastBlocks.delete(minute)) return;
    this.#least = undefined;
    this.changed = true;
  }

  /** Those below the limit, ascending, and so many at most. */
  least(limit: number, most: number): number[] {
    // Asked after every commit: nearly always there is none.
    if (this.#least === undefined) {
      this.#least = Infinity;
      for (const minute of this.#lastBlocks.keys()) this.#least = Math.min(this.#least, minute);
    }
    if (this.#least >= limit) return [];
    return this.sorted()
      .filter((minute) => minute < limit)
      .slice(0, most);
  }

  /** Ascending. */
  sorted(): number[] {
    return [...this.#lastBlocks.keys()].toSorted((a, b) => a - b);
  }

  /** Differences, doubled, and 1 more where a block follows: neighbours of one block take a byte each. */
  encode(): Buffer {
    const writer = new ByteWriter(256);
    let before = 0;
    for (const minute of this.sorted()) {
      const block = this.#lastBlocks.get(minute)!;
      writer.varint((minute - before) * 2 + (block > 0 ? 1 : 0));
      if (block > 0) writer.varint(block);
      before = minute;
    }
    return writer.copy();
  }

  static decode(bytes: Buffer | undefined): MinuteIndex {
    const index = new MinuteIndex();
    if (bytes === undefined) return index;
    const reader = new ByteReader(bytes);
    for (let minute = 0; !reader.done;) {
      const step = reader.varint();
      minute += Math.floor(step / 2);
      index.#lastBlocks.set(minute, step % 2 === 1 ? reader.varint() : 0);
    }
    return index;
  }
}
