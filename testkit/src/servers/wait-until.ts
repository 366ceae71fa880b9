import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Asks until the answer is true. A rejection counts as not yet.
 *
 * @param what for the message: what was waited for
 * @throws Error with the last rejection as its cause, when the time is over
 */
export async function waitUntil(what: string, timeoutMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  let cause: unknown;
  while (performance.now() - startedAt < timeoutMs) {
    try {
      if (await isSo()) return;
    } catch (error) {
      cause = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause });
}
