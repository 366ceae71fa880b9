import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; whether the time passed without the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
