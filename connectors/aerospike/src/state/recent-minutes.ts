import { ByteReader, ByteWriter } from '@millrace/core/state';

import { CHAIN_START, type ChainPosition } from './chain.ts';

/** Minutes that a status names: events of more minutes at a time are rare. */
const MOST = 16;

interface RecentMinute extends ChainPosition {
  /** Committed offset of the commit that wrote to it last. */
  readonly offset: number;
}

/**
 * The minutes of one partition that were written last, and how far each reaches. It is stored with the committed offset,
 * so that a reader knows what has changed since it read a minute, and reads no byte that is not committed.
 */
export class RecentMinutes {
  readonly #minutes = new Map<number, RecentMinute>();
  /** No minute that is not named was written after this committed offset. */
  floor = 0;

  get(minute: number): RecentMinute | undefined {
    return this.#minutes.get(minute);
  }

  set(minute: number, { block, size }: ChainPosition, offset: number): void {
    // A map keeps the order of insertion: the one written last goes to the end.
    this.#minutes.delete(minute);
    this.#minutes.set(minute, { block, size, offset });
    for (const [oldest, { offset: written }] of this.#minutes) {
      if (this.#minutes.size <= MOST) return;
      this.#minutes.delete(oldest);
      this.floor = Math.max(this.floor, written);
    }
  }

  encode(): Buffer {
    const writer = new ByteWriter(128).varint(this.floor);
    for (const [minute, { offset, block, size }] of this.#minutes) {
      writer.varint(minute).varint(offset).varint(block).varint(size);
    }
    return writer.copy();
  }

  static decode(bytes: Buffer | undefined): RecentMinutes {
    const recent = new RecentMinutes();
    if (bytes === undefined) return recent;
    const reader = new ByteReader(bytes);
    recent.floor = reader.varint();
    while (!reader.done) {
      const minute = reader.varint();
      const offset = reader.varint();
      recent.#minutes.set(minute, { offset, block: reader.varint(), size: reader.varint() });
    }
    return recent;
  }
}

/** Where each minute's chain ends, as far as it is known: the ones used last. */
export class MinutePositions {
  readonly #positions = new Map<number, ChainPosition>();
  readonly #most = 4096;

  get(minute: number): ChainPosition | undefined {
    return this.#positions.get(minute);
  }

  set(minute: number, position: ChainPosition = CHAIN_START): void {
    this.#positions.delete(minute);
    this.#positions.set(minute, position);
    for (const oldest of this.#positions.keys()) {
      if (this.#positions.size <= this.#most) return;
      this.#positions.delete(oldest);
    }
  }
}
