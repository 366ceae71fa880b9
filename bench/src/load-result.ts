/** What a closed loop of requests came to. */
export interface LoadResult {
  /** Answered requests. */
  readonly requests: number;
  readonly seconds: number;
  /** Answered with a status above 399, or not at all. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
