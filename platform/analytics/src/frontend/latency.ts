/** Buckets per power of two: a percentile is at most 12.5 % too high. */
const PER_OCTAVE_BITS = 3;
const PER_OCTAVE = 1 << PER_OCTAVE_BITS;
/** Up to 2^30 us, 18 minutes. */
const BUCKETS = PER_OCTAVE * 31;
const WINDOW_MS = 5000;

/**
 * Counts latencies in log-linear buckets: an observation is two increments, because every tag makes one. Knows the
 * percentiles of the last one to two windows of five seconds, and cumulative counts since the start.
 */
export class LatencyRecorder {
  readonly #total = new Float64Array(BUCKETS);
  readonly #now: () => number;
  #recent = new Uint32Array(BUCKETS);
  #before = new Uint32Array(BUCKETS);
  #windowStarted: number;
  count = 0;
  sumMs = 0;

  /** `now`: milliseconds on a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowStarted = now();
  }

  record(startedMs: number): void {
    const now = this.#now();
    const ms = now - startedMs;
    if (now - this.#windowStarted >= WINDOW_MS) this.#turn(now);
    const bucket = bucketOf(ms * 1000);
    this.#recent[bucket]!++;
    this.#total[bucket]!++;
    this.count++;
    this.sumMs += ms;
  }

  /** Milliseconds that the given share (0 to 1) of the recent requests needed at most; 0 without any. */
  percentile(share: number): number {
    const now = this.#now();
    if (now - this.#windowStarted >= WINDOW_MS) this.#turn(now);
    let all = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) all += this.#recent[bucket]! + this.#before[bucket]!;
    if (all === 0) return 0;
    let left = Math.ceil(all * share);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#recent[bucket]! + this.#before[bucket]!;
      if (left <= 0) return upperBound(bucket) / 1000;
    }
    return upperBound(BUCKETS - 1) / 1000;
  }

  /** How many since the start needed at most so many seconds, per bound; bounds ascending. */
  cumulative(bounds: readonly number[]): number[] {
    let bucket = 0;
    let sum = 0;
    return bounds.map((bound) => {
      while (bucket < BUCKETS && upperBound(bucket) <= bound * 1e6) sum += this.#total[bucket++]!;
      return sum;
    });
  }

  #turn(now: number): void {
    const emptied = this.#before.fill(0);
    // After a longer pause neither window is recent.
    this.#before = now - this.#windowStarted >= 2 * WINDOW_MS ? emptied : this.#recent;
    this.#recent = this.#before === emptied ? this.#recent.fill(0) : emptied;
    this.#windowStarted = now;
  }
}

function bucketOf(us: number): number {
  const value = Math.min(Math.max(Math.floor(us), 0), 2 ** 30);
  if (value < PER_OCTAVE) return value;
  const octave = 31 - Math.clz32(value) - PER_OCTAVE_BITS;
  return (octave + 1) * PER_OCTAVE + ((value >> octave) & (PER_OCTAVE - 1));
}

/** The first microsecond above the bucket. */
function upperBound(bucket: number): number {
  if (bucket < PER_OCTAVE) return bucket + 1;
  const octave = Math.floor(bucket / PER_OCTAVE) - 1;
  return (PER_OCTAVE + (bucket % PER_OCTAVE) + 1) * 2 ** octave;
}
