import { LONGEST_TIMEOUT_MS } from './at-most.ts';
import type { Lanes } from './lanes.ts';

/** What has been received and not been given away, and who waits for more. */
export class Inbox<T extends { readonly bytes: number }> {
  #lanes: Lanes<T>;
  readonly #newLanes: () => Lanes<T>;
  readonly #waiters = new Set<(item: T | undefined) => void>();
  /** Called when somebody starts or stops waiting, and when something was taken. */
  readonly #changed: () => void;
  #ended = false;
  /** Of what it holds. */
  bytes = 0;

  constructor(newLanes: () => Lanes<T>, changed: () => void) {
    this.#newLanes = newLanes;
    this.#lanes = newLanes();
    this.#changed = changed;
  }

  get length(): number {
    return this.#lanes.length;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  put(item: T): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined) {
      this.#lanes.push(item);
      this.bytes += item.bytes;
    } else {
      this.#waiters.delete(waiter);
      waiter(item);
    }
  }

  /** At once, if there is one. */
  poll(): T | undefined {
    const item = this.#lanes.shift();
    if (item === undefined) return undefined;
    this.bytes -= item.bytes;
    this.#changed();
    return item;
  }

  /** The next one; undefined when the time is over, the signal aborts, or nothing will come. */
  async wait(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
    if (this.#ended) return undefined;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const giveUp = (): void => {
      // At once, so that nothing is handed to someone who has stopped waiting.
      this.#waiters.delete(resolve);
      resolve(undefined);
      this.#changed();
    };
    this.#waiters.add(resolve);
    this.#changed();
    signal?.addEventListener('abort', giveUp, { once: true });
    const cancel = startTimer(timeoutMs, giveUp);
    const item = await promise;
    cancel();
    signal?.removeEventListener('abort', giveUp);
    return item;
  }

  /** Gives away everything that it holds, without telling that there is room. */
  *drain(): Generator<T> {
    const lanes = this.#lanes;
    this.#lanes = this.#newLanes();
    this.bytes = 0;
    for (let item = lanes.shift(); item !== undefined; item = lanes.shift()) yield item;
  }

  /** Nothing more will come: whoever waits is told so. */
  end(): void {
    this.#ended = true;
    for (const waiter of this.#waiters) waiter(undefined);
    this.#waiters.clear();
  }
}

function startTimer(timeoutMs: number | undefined, over: () => void): () => void {
  if (timeoutMs === undefined) return () => {};
  if (timeoutMs === 0) {
    // One turn of the event loop, in which a source in this process can answer; no waiting.
    const immediate = setImmediate(over);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(over, Math.min(timeoutMs, LONGEST_TIMEOUT_MS));
  return () => clearTimeout(timer);
}
