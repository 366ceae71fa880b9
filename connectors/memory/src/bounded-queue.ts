import { Fifo } from './fifo.ts';

/** setTimeout takes a longer delay for 1 ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

interface Putter<T> {
  readonly item: T;
  readonly accepted: () => void;
}

/** First in, first out, with room for `maxSize` items: who puts one more waits. Waiters are served in their order. */
export class BoundedQueue<T> {
  readonly maxSize: number;
  readonly #items = new Fifo<T>();
  readonly #putters = new Fifo<Putter<T>>();
  readonly #takers = new Set<(item: T) => void>();
  #closed = false;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Resolves when the queue holds the item. Not to be called on a closed queue. */
  async put(item: T): Promise<void> {
    const [taker] = this.#takers;
    if (taker !== undefined) {
      this.#takers.delete(taker);
      taker(item);
    } else if (this.#items.length < this.maxSize) {
      this.#items.push(item);
    } else {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#putters.push({ item, accepted: resolve });
      await promise;
    }
  }

  /**
   * The oldest item; undefined when none came in `timeoutMs` (for ever if undefined) or before `ended` aborted, or
   * when the queue is closed and empty.
   */
  async take(timeoutMs: number | undefined, ended: AbortSignal): Promise<T | undefined> {
    if (this.#items.length > 0) {
      const item = this.#items.shift();
      const putter = this.#putters.shift();
      if (putter !== undefined) {
        this.#items.push(putter.item);
        putter.accepted();
      }
      return item;
    }
    if (this.#closed || ended.aborted || timeoutMs === 0) return undefined;
    return this.#waitForItem(timeoutMs, ended);
  }

  /** Drops what waits to be put, and lets go of who waits for that. What it holds can still be taken. */
  close(): void {
    this.#closed = true;
    for (let putter = this.#putters.shift(); putter !== undefined; putter = this.#putters.shift()) putter.accepted();
  }

  async #waitForItem(timeoutMs: number | undefined, ended: AbortSignal): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const giveUp = () => {
      // At once, so that no item can be handed to someone who has stopped waiting.
      this.#takers.delete(resolve);
      resolve(undefined);
    };
    this.#takers.add(resolve);
    ended.addEventListener('abort', giveUp, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, Math.min(timeoutMs, LONGEST_TIMEOUT_MS));
    const item = await promise;
    ended.removeEventListener('abort', giveUp);
    clearTimeout(timer);
    return item;
  }
}
