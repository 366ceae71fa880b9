import type { Records } from '../records.ts';
import type { StateKeys } from './keys.ts';
import type { NumberSet } from './number-set.ts';

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
  over(minutes: NumberSet, oldest: number): number[] {
    return minutes.least(oldest, AT_ONCE);
  }

  /** Removes the records first and then the note that the minutes exist, so that a crash between leaves none behind. */
  async remove(partition: number, over: readonly number[], minutes: NumberSet): Promise<void> {
    let open = over;
    for (let block = 0; open.length > 0; block++) {
      const at = block;
      const removed = await this.#records.remove(open.map((minute) => this.#keys.minute(partition, minute, at)));
      open = open.filter((_, index) => removed[index]);
    }
    for (const minute of over) minutes.delete(minute);
  }
}
