const HALF_LIFE_MS = 30_000;
const MINUTE_MS = 60_000;
const BUCKETS = 30;

/** How fast messages come: a rate in which the past counts half as much every 30 s, and the fullest of 30 minutes. */
export class RateMeter {
  readonly #now: () => number;
  /** Messages, each weighing what its age leaves of it, as of `#asOf`. */
  #weight = 0;
  #asOf: number;
  readonly #counts = Array.from({ length: BUCKETS }, () => 0);
  readonly #minutes = Array.from({ length: BUCKETS }, () => -1);

  /** `now` gives milliseconds that only rise. Default: the process's own clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#asOf = now();
  }

  add(count: number): void {
    this.#decay();
    this.#weight += count;
    const minute = Math.floor(this.#asOf / MINUTE_MS);
    const bucket = minute % BUCKETS;
    if (this.#minutes[bucket] !== minute) {
      this.#minutes[bucket] = minute;
      this.#counts[bucket] = 0;
    }
    this.#counts[bucket]! += count;
  }

  /** Messages per minute. */
  perMinute(): number {
    this.#decay();
    // At a steady rate r per millisecond the weight settles at r * half-life / ln 2.
    return (this.#weight * Math.LN2 * MINUTE_MS) / HALF_LIFE_MS;
  }

  peakPerMinute(): number {
    const oldest = Math.floor(this.#now() / MINUTE_MS) - BUCKETS;
    return Math.max(0, ...this.#counts.filter((_, bucket) => this.#minutes[bucket]! > oldest));
  }

  #decay(): void {
    const now = this.#now();
    this.#weight *= 2 ** ((this.#asOf - now) / HALF_LIFE_MS);
    this.#asOf = now;
  }
}
