import { Fifo } from '@millrace/core';

/** Waits for room. */
export interface Putter<T> {
  readonly item: T;
  /** Resolves when the queue holds the item, or never will. */
  readonly settled: Promise<void>;
  readonly settle: () => void;
  /** Set by who no longer wants to put it. */
  withdrawn: boolean;
}

/** First in, first out, with room for `maxSize` items: who puts one more waits. Waiters are served in their order. */
export class BoundedQueue<T> {
  readonly maxSize: number;
  readonly #items = new Fifo<T>();
  readonly #putters = new Fifo<Putter<T>>();
  /** Called when there is something to take. */
  readonly #takers = new Set<() => void>();

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Undefined when the queue holds the item; otherwise what waits for room. Not to be called on a closed queue. */
  put(item: T): Putter<T> | undefined {
    if (this.#items.length < this.maxSize && this.#putters.length === 0) {
      this.#items.push(item);
      const [taker] = this.#takers;
      taker?.();
      return undefined;
    }
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    const putter = { item, settled, settle, withdrawn: false };
    this.#putters.push(putter);
    return putter;
  }

  /** The oldest items, at most `max`; waits for the first one until the signal aborts. */
  async take(max: number, signal: AbortSignal): Promise<T[]> {
    if (this.#items.length === 0 && !signal.aborted) await this.#somethingToTake(signal);
    // An item that came as the signal aborted stays, for whoever asks next.
    return signal.aborted ? [] : this.takeNow(max);
  }

  /** The oldest items, at most `max`, without waiting. */
  takeNow(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max && this.#items.length > 0) {
      taken.push(this.#items.shift()!);
      this.#admit();
    }
    return taken;
  }

  /** Drops what waits to be put, and lets go of who waits for that. What it holds can still be taken. */
  close(): void {
    for (let putter = this.#putters.shift(); putter !== undefined; putter = this.#putters.shift()) putter.settle();
  }

  #admit(): void {
    for (let putter = this.#putters.shift(); putter !== undefined; putter = this.#putters.shift()) {
      if (putter.withdrawn) continue;
      this.#items.push(putter.item);
      putter.settle();
      return;
    }
  }

  async #somethingToTake(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const told = (): void => {
      this.#takers.delete(told);
      resolve();
    };
    this.#takers.add(told);
    signal.addEventListener('abort', told, { once: true });
    await promise;
    signal.removeEventListener('abort', told);
    // Told for an item that it does not take now: the next one in the row is.
    if (signal.aborted && this.#items.length > 0) this.#takers.values().next().value?.();
  }
}
