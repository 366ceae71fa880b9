import type { Key, Records } from '../records.ts';
import { SIZE_BIN } from './chain.ts';
import type { StateKeys } from './keys.ts';
import type { MinuteIndex } from './minute-index.ts';

/** Minutes that one call removes: an event far ahead may end thousands at once. */
const AT_ONCE = 200;

/** Removes the rollups of minutes that are over. */
export class MinuteRemoval {
  readonly #records: Records;
  readonly #keys: StateKeys;

  constructor(records: Records, keys: StateKeys) {
    this.#records = records;
    this.#keys = keys;
  }

  /** The minutes before the oldest one that counts, oldest first, as many as are removed at once. */
  over(minutes: MinuteIndex, oldest: number): number[] {
    return minutes.least(oldest, AT_ONCE);
  }

  /**
   * Removes the records first and then the note that the minutes exist, and of each chain the last record first, so that
   * a crash between leaves none behind that cannot be found again.
   */
  async remove(partition: number, over: readonly number[], minutes: MinuteIndex): Promise<void> {
    const blocks: Key[][] = [];
    let open = over;
    while (open.length > 0) {
      const block = blocks.length;
      const keys = open.map((minute) => this.#keys.minute(partition, minute, block));
      const found = await this.#records.read(keys, [SIZE_BIN]);
      // Beyond the last one there may be what a commit has left that never came to its end.
      open = open.filter((minute, at) => found[at] !== undefined || block < (minutes.lastBlock(minute) ?? 0));
      blocks.push(keys.filter((_, at) => found[at] !== undefined));
    }
    for (const keys of blocks.toReversed()) await this.#records.remove(keys);
    for (const minute of over) minutes.delete(minute);
  }
}
