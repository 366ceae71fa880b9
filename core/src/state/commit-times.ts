import type { Offset } from '../event-log.ts';

/** Offsets of one partition are noted no more often than this. */
const STEP_MS = 100;

/** Remembers when which offset was committed. */
export class CommitTimes {
  readonly #times: { readonly at: number; readonly committed: Offset }[] = [];
  #reached: Offset | undefined;

  add(committed: Offset, at: number): void {
    const before = this.#times.at(-2);
    // The later of two close moments stands for both offsets, so that none counts too early.
    if (before !== undefined && at - before.at < STEP_MS) this.#times.pop();
    this.#times.push({ at, committed });
  }

  /** The highest offset that was committed by then. */
  committedBy(moment: number): Offset | undefined {
    while (this.#times.length > 0 && this.#times[0]!.at <= moment) this.#reached = this.#times.shift()!.committed;
    return this.#reached;
  }
}
