import type { Outbox } from './outbox.ts';

export interface ReleaseOptions {
  /** Milliseconds; 0 for none. */
  readonly intervalMs: number;
  readonly batchSize: number | undefined;
}

/**
 * When queued messages may go. Without an interval: always. With one: what was queued goes when the interval is over,
 * when `batchSize` messages are queued, when the queue is full, and when it is flushed.
 */
export class Release {
  readonly #intervalMs: number;
  readonly #batchSize: number;
  readonly #outbox: Outbox;
  readonly #wake: () => void;
  #always: boolean;
  /** Released and not taken yet. */
  #allowed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ intervalMs, batchSize }: ReleaseOptions, outbox: Outbox, wake: () => void) {
    this.#intervalMs = intervalMs;
    this.#batchSize = batchSize ?? Infinity;
    this.#outbox = outbox;
    this.#wake = wake;
    this.#always = intervalMs === 0;
  }

  /** A message came into the queue. */
  offered(): void {
    if (this.#always) return;
    if (this.#outbox.length >= this.#batchSize || this.#outbox.full) this.all();
    else this.#timer ??= setTimeout(() => this.all(), this.#intervalMs);
  }

  /** All that is queued now may go. */
  all(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#always) return;
    this.#allowed = this.#outbox.length + this.#outbox.waiting;
    this.#wake();
  }

  /** From now on everything goes at once. */
  open(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#always = true;
  }

  /** How many may be taken. */
  allowance(): number {
    return this.#always ? Infinity : this.#allowed;
  }

  took(count: number): void {
    if (this.#always) return;
    this.#allowed -= count;
    if (this.#allowed <= 0 && this.#outbox.length > 0) this.offered();
  }
}
