import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './ledger.ts';

/** What a lane's page promises about each message. */
export type Guarantee = 'exactly once' | 'at least once' | 'at most once';

/** Senders and receivers of one destination, under load until they are told to stop. */
export interface Lane {
  readonly name: string;
  readonly guarantee: Guarantee;
  /** Messages that have gone all the way so far. */
  arrived(): number;
  /** Stops sending, waits until all that was acknowledged has arrived (or nothing comes any more), closes, and counts. */
  finish(): Promise<LaneResult>;
}

export interface LaneResult extends Account {
  /** Connections that were made again, as the lane's own counters say; undefined where it has none. */
  readonly reconnects?: number;
  /** What else contradicts the promise, for a person. */
  readonly problems: readonly string[];
}

/** How many messages a sender has under way at once, and how long it rests after each such burst. */
export const BURST = 20;
export const REST_MS = 4;

const STUCK_MS = 120_000;

/** Work that goes on while others look elsewhere: its failure is thrown by whoever asks next. */
export class Background {
  #failure: { readonly error: unknown } | undefined;
  readonly #running: Promise<unknown>;

  constructor(work: readonly Promise<unknown>[]) {
    this.#running = Promise.all(work.map((each) => each.catch((error: unknown) => (this.#failure ??= { error }))));
  }

  /** @throws what any of it failed with */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves when all of it has ended. @throws what any of it failed with, and an Error when it does not end */
  async ended(what: string): Promise<void> {
    const timer = new AbortController();
    const late = sleep(STUCK_MS, 'late', { signal: timer.signal, ref: false });
    const first = await Promise.race([this.#running, late]);
    if (first === 'late') throw new Error(`${what}: not ended after ${STUCK_MS} ms`);
    timer.abort();
    await late.catch((error: unknown) => {
      if (!timer.signal.aborted) throw error;
    });
    this.check();
  }
}
