import { hasCode } from '@millrace/core';

/** Pauses between tries: each twice as long as the one before, up to a longest one. */
export class BackOff {
  readonly #first: number;
  readonly #longest: number;
  #next: number;

  /** Milliseconds. */
  constructor(first = 100, longest = 5000) {
    this.#first = first;
    this.#longest = longest;
    this.#next = first;
  }

  /** The next pause, milliseconds. Jittered, so that many who lost the same server do not return in one moment. */
  next(): number {
    const ms = this.#next * (0.75 + Math.random() / 4);
    this.#next = Math.min(2 * this.#next, this.#longest);
    return Math.round(ms);
  }

  reset(): void {
    this.#next = this.#first;
  }
}

/** Whether a backend is away, rather than refusing: the same call is worth repeating. */
export const isOutage = (error: unknown): boolean => hasCode(error, 'UNAVAILABLE') || hasCode(error, 'TIMEOUT');
