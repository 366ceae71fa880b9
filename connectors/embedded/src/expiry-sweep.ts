import { expiryRange, parseExpiryKey } from './key-value-entry.ts';
import type { Level, WriteQueue } from './write-queue.ts';
import { readRange } from './read-range.ts';

const INTERVAL_MS = 1000;
/** Entries that one step removes; other work gets its turn between steps. */
const STEP = 500;

/**
 * Removes expired entries once a second, found by the expiry index in the order in which they expire: the cost is that
 * of what has expired, not of what is stored. Reads do not depend on it, they ignore expired entries themselves.
 */
export class ExpirySweep {
  readonly #level: Level;
  readonly #queue: WriteQueue;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(level: Level, queue: WriteQueue, now: () => number) {
    this.#level = level;
    this.#queue = queue;
    this.#now = now;
    this.#timer = setInterval(() => this.#start(), INTERVAL_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #start(): void {
    this.#running ??= this.#sweep()
      // A store that cannot write tells each caller so; expired entries it hides as before.
      .catch(() => clearInterval(this.#timer))
      .finally(() => (this.#running = undefined));
  }

  async #sweep(): Promise<void> {
    let removed = STEP;
    while (removed === STEP && !this.#stopped) {
      const keys = await readRange(this.#level.keys({ ...expiryRange(this.#now()), limit: STEP }));
      await Promise.all(keys.map((key) => this.#remove(key)));
      removed = keys.length;
    }
  }

  async #remove(key: Buffer): Promise<void> {
    const { data, expiresAt } = parseExpiryKey(key);
    const entry = this.#queue.current(data);
    if (entry?.expiresAt === expiresAt) await this.#queue.replace(data, entry, undefined);
    else await this.#queue.forget(key);
  }
}
