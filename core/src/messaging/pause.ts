import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the time to pass, or for the signal to abort. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
