/** Event times are below 2^48 milliseconds: the year 10889. */
export const MAX_TIME = 2 ** 48 - 1;
export const MINUTE_MS = 60_000;

/** Minutes since the epoch. */
export const minuteOf = (time: number): number => Math.floor(time / MINUTE_MS);

/** The minutes [from, to). */
export const minuteRange = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
