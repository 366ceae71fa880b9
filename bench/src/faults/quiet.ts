import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Resolves when all has come, or when `count` has not risen for so long that no more is to be expected. */
export async function quiet(
  count: () => number,
  isComplete: () => boolean | Promise<boolean>,
  quietMs: number,
): Promise<void> {
  let last = -1;
  let movedAt = performance.now();
  while (!(await isComplete())) {
    if (count() > last) {
      last = count();
      movedAt = performance.now();
    }
    if (performance.now() - movedAt > quietMs) return;
    await sleep(POLL_MS);
  }
}
