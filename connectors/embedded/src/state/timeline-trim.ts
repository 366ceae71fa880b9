import type { Batch, Level } from './database.ts';
import { timelineRange } from './keys.ts';
import { readRange } from '../read-range.ts';

const SLOTS = 2 ** 20;
/** A slot that has counted so many entries has the key looked at that brought it there. */
const FULL = 255;
/** Bounds the work of one commit. */
const MAX_KEYS = 32;
const MAX_DELETES = 16_384;

/**
 * Decides when a timeline is worth trimming, in a fixed megabyte: a counter per hash slot. Keys that share a slot share
 * its counter, so a rare key may be looked at for nothing, and a busy one sooner or later is. Readers never depend on
 * it: they stop at the newest entries whatever lies behind.
 */
export class TimelineTrim {
  readonly #level: Level;
  readonly #keep: number;
  readonly #counters = new Uint8Array(SLOTS);
  readonly #due = new Map<string, { gte: Buffer; lt: Buffer }>();

  constructor(level: Level, keep: number) {
    this.#level = level;
    this.#keep = keep;
  }

  /** Counts an entry that is added under this timeline key. */
  count(key: Buffer, kind: number): void {
    const slot = (key[1]! | (key[2]! << 8) | (((key[3]! ^ kind) & 0xf) << 16)) & (SLOTS - 1);
    if (this.#counters[slot]!++ < FULL) return;
    const range = timelineRange(key, kind);
    this.#due.set(range.gte.toString('latin1'), range);
  }

  /** Removes what lies beyond the newest entries as they were before the batch; newer ones only push further out. */
  async trim(batch: Batch): Promise<void> {
    let keys = 0;
    let deletes = 0;
    for (const [name, range] of this.#due) {
      if (keys++ >= MAX_KEYS || deletes >= MAX_DELETES) return;
      const limit = this.#keep + MAX_DELETES - deletes;
      const entries = await readRange(this.#level.keys({ ...range, limit }));
      for (const key of entries.slice(this.#keep)) {
        batch.del(key);
        deletes++;
      }
      this.#due.delete(name);
    }
  }
}
