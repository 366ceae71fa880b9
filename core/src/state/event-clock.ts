/** A partition without events for so long, in append time, does not hold the clock back. */
export const ACTIVE_MS = 10 * 60_000;

export interface Newest {
  readonly time: number;
  readonly appendedAt: number;
}

/** The clock of a state whose partitions each hold the clock of their last commit; it never goes back. */
export function latestClock(partitions: readonly { readonly clock: number | undefined }[]): number | undefined {
  const clocks = partitions.flatMap(({ clock }) => clock ?? []);
  return clocks.length === 0 ? undefined : Math.max(...clocks);
}

/**
 * How far event time has come: the oldest, over the active partitions, of their newest event time. One event dated far
 * ahead moves its own partition only, so it cannot make another partition's events too old; with a single active
 * partition it can, which is why the frontend refuses times far ahead of the wall clock.
 */
export class EventClock {
  readonly #newest: (Newest | undefined)[];
  #appendedAt = 0;
  #clock: number | undefined;

  constructor(newest: readonly (Newest | undefined)[], clock: number | undefined) {
    this.#newest = [...newest];
    this.#clock = clock;
    for (const one of newest) this.#appendedAt = Math.max(this.#appendedAt, one?.appendedAt ?? 0);
  }

  /** Newest append time of all partitions. */
  get appendedAt(): number {
    return this.#appendedAt;
  }

  newest(partition: number): Newest | undefined {
    return this.#newest[partition];
  }

  observe(partition: number, time: number, appendedAt: number): void {
    const before = this.#newest[partition];
    if (before === undefined) this.#newest[partition] = { time, appendedAt };
    else if (time > before.time || appendedAt > before.appendedAt) {
      this.#newest[partition] = {
        time: Math.max(time, before.time),
        appendedAt: Math.max(appendedAt, before.appendedAt),
      };
    }
    if (appendedAt > this.#appendedAt) this.#appendedAt = appendedAt;
  }

  /** The clock after all that was observed; it never goes back. */
  read(): number | undefined {
    let oldest = Infinity;
    for (const one of this.#newest) {
      if (one !== undefined && one.appendedAt >= this.#appendedAt - ACTIVE_MS) oldest = Math.min(oldest, one.time);
    }
    if (oldest !== Infinity && (this.#clock === undefined || oldest > this.#clock)) this.#clock = oldest;
    return this.#clock;
  }
}
