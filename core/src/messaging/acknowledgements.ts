import { Fifo } from './fifo.ts';
import type { Received, Source } from './source.ts';

/** A message that the source would send again unless it is acknowledged. */
export interface Tracked {
  readonly received: Received;
  done: boolean;
}

/**
 * Tells one connection's source what the application is done with: in the order of arrival, whatever the order of
 * acknowledging, because many sources only keep a position. One call under way; meanwhile the next ones collect.
 */
export class Acknowledgements {
  readonly #source: Source;
  readonly #failed: (error: unknown) => void;
  readonly #inOrder = new Fifo<Tracked>();
  #running: Promise<void> | undefined;
  #broken = false;
  /** Told to the source. */
  told = 0;

  constructor(source: Source, failed: (error: unknown) => void) {
    this.#source = source;
    this.#failed = failed;
  }

  /** Arrived, and not told to the source yet. */
  get open(): number {
    return this.#inOrder.length;
  }

  track(received: Received): Tracked {
    const tracked = { received, done: false };
    this.#inOrder.push(tracked);
    return tracked;
  }

  done(tracked: Tracked): void {
    tracked.done = true;
    if (this.#inOrder.peek()?.done === true) this.#running ??= this.#tell();
  }

  /** Resolves when everything that can be told has been. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #tell(): Promise<void> {
    // Lets a caller that acknowledges several in a row put them into one call.
    await Promise.resolve();
    for (let batch = this.#next(); batch.length > 0 && !this.#broken; batch = this.#next()) {
      try {
        await this.#source.acknowledge?.(batch);
        this.told += batch.length;
      } catch (error) {
        this.#broken = true;
        this.#failed(error);
      }
    }
    this.#running = undefined;
  }

  #next(): Received[] {
    const batch: Received[] = [];
    while (this.#inOrder.peek()?.done === true) batch.push(this.#inOrder.shift()!.received);
    return batch;
  }
}
