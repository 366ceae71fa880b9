import { Fifo } from './fifo.ts';
import type { Received, Source } from './source.ts';

/** A message that the source would send again unless it is acknowledged. */
export interface Unacknowledged {
  readonly received: Received;
  /** What it takes in memory, about. */
  readonly bytes: number;
  done: boolean;
}

type Renewal = NonNullable<Source['renewal']>;

/** So many are told at once, without waiting for the turn of the event loop to end. */
const ENOUGH = 1000;

/**
 * Tells one connection's source what the application is done with: in the order of arrival, whatever the order of
 * acknowledging, because many sources only keep a position. One call under way; meanwhile the next ones collect.
 */
export class Acknowledgements {
  readonly #source: Source;
  readonly #failed: (error: unknown) => void;
  readonly #inOrder = new Fifo<Unacknowledged>();
  /** Done, in front of the first that is not. */
  #ready: Received[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #running: Promise<void> | undefined;
  #renewing: NodeJS.Timeout | undefined;
  #broken = false;
  /** Of what has arrived and is not done. */
  openBytes = 0;
  /** Told to the source. */
  told = 0;

  constructor(source: Source, failed: (error: unknown) => void) {
    this.#source = source;
    this.#failed = failed;
  }

  /** Arrived, and not done. */
  get open(): number {
    return this.#inOrder.length;
  }

  track(message: Unacknowledged): void {
    this.#inOrder.push(message);
    this.openBytes += message.bytes;
    const { renewal } = this.#source;
    if (renewal !== undefined) this.#renewLater(renewal);
  }

  done(message: Unacknowledged): void {
    message.done = true;
    while (this.#inOrder.peek()?.done === true) {
      const { received, bytes } = this.#inOrder.shift()!;
      this.openBytes -= bytes;
      this.#ready.push(received);
    }
    if (this.#ready.length === 0 || this.#running !== undefined) return;
    // Once per turn of the event loop is soon enough, and makes one call of many.
    if (this.#ready.length < ENOUGH) this.#scheduled ??= setImmediate(() => this.#start());
    else this.#start();
  }

  /**
   * The application will not get these. Nor is anything told that arrived behind the first of them, because a source that
   * keeps a position would take all of them for done.
   *
   * @returns what is not told
   */
  recall(unread: ReadonlySet<Unacknowledged>): Received[] {
    const recalled: Received[] = [];
    this.#inOrder.retain((message) => {
      if (recalled.length === 0 && !unread.has(message)) return true;
      recalled.push(message.received);
      this.openBytes -= message.bytes;
      return false;
    });
    return recalled;
  }

  /** The connection is gone: nothing more is told to it, and what was not told comes again. */
  abandon(): void {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#renewing);
    this.#broken = true;
  }

  /** Resolves when everything that can be told has been. */
  async settled(): Promise<void> {
    if (this.#running === undefined && this.#ready.length > 0) this.#start();
    await this.#running;
  }

  #start(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#running ??= this.#tell();
  }

  async #tell(): Promise<void> {
    while (this.#ready.length > 0 && !this.#broken) {
      const batch = this.#ready;
      this.#ready = [];
      try {
        await this.#source.acknowledge?.(batch);
        this.told += batch.length;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#running = undefined;
  }

  #renewLater(renewal: Renewal): void {
    if (this.#broken) return;
    this.#renewing ??= setTimeout(() => void this.#renew(renewal), renewal.everyMs);
  }

  async #renew(renewal: Renewal): Promise<void> {
    try {
      await renewal.renew();
    } catch (error) {
      this.#fail(error);
    }
    this.#renewing = undefined;
    if (this.open > 0) this.#renewLater(renewal);
  }

  #fail(error: unknown): void {
    if (this.#broken) return;
    this.abandon();
    this.#failed(error);
  }
}
