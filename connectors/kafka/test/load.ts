import { setTimeout as sleep } from 'node:timers/promises';

import type { EventLog } from '@millrace/core';

/** Appends numbered records, thirty every few milliseconds, until it is told to stop. */
export class Load {
  #count = 0;
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(log: EventLog) {
    this.#running = this.#run(log);
  }

  /** @returns the values of all records, each of which was acknowledged */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#running;
    return Array.from({ length: this.#count }, (_, i) => `${i}`);
  }

  async #run(log: EventLog): Promise<void> {
    while (!this.#isStopped) {
      const values = Array.from({ length: 30 }, () => `${this.#count++}`);
      await log.append(values.map((value) => ({ key: value, value: Buffer.from(value) })));
      await sleep(5);
    }
  }
}

/** By number. */
export const sorted = (values: readonly string[]): string[] => values.toSorted((a, b) => Number(a) - Number(b));

/** @throws Error when it does not come true in time */
export async function until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come true in time');
    await sleep(5);
  }
}
