import type { Batch, Damage, LogRecord } from '@millrace/core';
import { corrupt } from './errors.ts';
import { FrameReader } from './frame.ts';
import { rangeOf } from './keys.ts';

/** Entries of one stream as Redis answers them: ID, then the field and its frame. */
export type Entry = readonly [id: Buffer, fields: readonly [Buffer, Buffer]];

/** A place in one partition, and what has been fetched behind it. */
export class PartitionCursor {
  readonly partition: number;
  readonly #key: string;
  /** Where the next batch starts. */
  position: number;
  /** Offset behind what has been fetched. */
  fetched: number;
  #frames: FrameReader[] = [];
  #lost: Damage[] = [];

  constructor(partition: number, key: string, position: number) {
    this.partition = partition;
    this.#key = key;
    this.position = position;
    this.fetched = position;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** Takes what was fetched from `fetched` on. @returns its bytes. @throws LOG_CORRUPT */
  add(entries: readonly Entry[]): number {
    let bytes = 0;
    for (const [idBytes, [, frame]] of entries) {
      const id = idBytes.toString('latin1');
      const { from, to } = rangeOf(id);
      // Offsets have no holes, so these were trimmed between two fetches, or before the first one.
      if (from > this.fetched) this.#lost.push(trimmed(this.#key, this.fetched, from));
      try {
        const reader = new FrameReader(frame, from, to);
        reader.skipTo(this.fetched);
        this.#frames.push(reader);
      } catch (cause) {
        throw corrupt(this.#key, id, cause);
      }
      this.fetched = to;
      bytes += frame.length;
    }
    return bytes;
  }

  /**
   * The next records within the budget of value bytes; with `force` at least one. Moves on behind them.
   *
   * @returns undefined when nothing was taken, and what is left of the budget: negative when it ended
   * @throws LOG_CORRUPT
   */
  take(budget: number, force: boolean): { readonly batch: Batch | undefined; readonly rest: number } {
    const from = this.position;
    const records: LogRecord[] = [];
    let rest = budget;
    let taken = 0;
    for (const frame of this.#frames) {
      try {
        rest = frame.take(records, rest, force && records.length === 0);
      } catch (cause) {
        throw corrupt(this.#key, `before ${frame.to}`, cause);
      }
      this.position = frame.offset;
      if (frame.offset < frame.to) break;
      taken++;
    }
    this.#frames = this.#frames.slice(taken);
    if (records.length === 0) {
      this.position = from;
      return { batch: undefined, rest };
    }
    const to = this.position;
    const damage = this.#lost.filter((lost) => lost.from < to);
    this.#lost = this.#lost.filter((lost) => lost.from >= to);
    const batch = { partition: this.partition, from, to, records };
    return { batch: damage.length === 0 ? batch : { ...batch, damage }, rest };
  }
}

const trimmed = (key: string, from: number, to: number): Damage => ({
  from,
  to,
  place: key,
  reason: 'trimmed before it was read: the log had reached its size limit',
  bytes: new Uint8Array(),
});
