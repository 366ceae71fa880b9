import type { LogStatistics, Offset } from '@millrace/core';
import type { Segment } from '@millrace/storage';

/** Figures of a log since it was opened, for metrics; sizes are as they are now. */
export interface EmbeddedLogStatistics extends LogStatistics {
  readonly segments: number;
  readonly next: Offset;
  /** Pieces of damage that were met; a piece counts once per reader that meets it. */
  readonly damaged: number;
  /** Records given to `append`. */
  readonly appended: number;
  /** Records that became durable. */
  readonly synced: number;
  /** Groups written: one fdatasync each. */
  readonly groups: number;
  /** Bytes written, headers included. */
  readonly written: number;
  /** Time spent in writing and syncing, milliseconds. */
  readonly syncMs: number;
}

export class LogCounters {
  #damaged = 0;
  #appended = 0;
  #synced = 0;
  #groups = 0;
  #written = 0;
  #syncMs = 0;

  appended(records: number): void {
    this.#appended += records;
  }

  damaged(pieces: number): void {
    this.#damaged += pieces;
  }

  synced(records: number, bytes: number, ms: number): void {
    this.#synced += records;
    this.#groups++;
    this.#written += bytes;
    this.#syncMs += ms;
  }

  statistics(segments: readonly Segment[], next: Offset, forcedRemovals: number): EmbeddedLogStatistics {
    return {
      bytes: segments.reduce((sum, segment) => sum + segment.bytes, 0),
      segments: segments.length,
      next,
      forcedRemovals,
      damaged: this.#damaged,
      appended: this.#appended,
      synced: this.#synced,
      groups: this.#groups,
      written: this.#written,
      syncMs: this.#syncMs,
    };
  }
}
