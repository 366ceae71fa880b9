/** setTimeout takes a longer delay for 1 ms. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Resolves with the promise, or when the time is over. */
export async function atMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_TIMEOUT_MS));
  try {
    await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
