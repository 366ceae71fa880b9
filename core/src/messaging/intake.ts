import type { MillraceError } from '../errors.ts';
import { pause } from './pause.ts';
import type { Connection } from './connection.ts';
import type { Received, Source } from './source.ts';

/** So many at once: enough to make a request's own cost small. */
const MAX_RECEIVE = 1000;

/** What the loop asks of its subscriber. */
export interface IntakeOwner {
  /** How many may be received now. */
  room(): number;
  accept(received: readonly Received[]): void;
  /** Takes note of a failure; one with `retry` is tried again after a while. */
  failed(error: unknown): Promise<MillraceError>;
  /** Nothing more will come: the source has ended, or failed for good. */
  ended(): void;
}

/** Receives while there is room, and connects again after a failure. */
export class Intake {
  readonly #connection: Connection<Source>;
  readonly #owner: IntakeOwner;
  readonly #idleMs: number;
  #receiving: AbortController | undefined;
  #wake: (() => void) | undefined;

  /** `idleMs`: wait after an empty answer. */
  constructor(connection: Connection<Source>, owner: IntakeOwner, idleMs: number) {
    this.#connection = connection;
    this.#owner = owner;
    this.#idleMs = idleMs;
  }

  /** Whether it waits for room. */
  get idle(): boolean {
    return this.#wake !== undefined;
  }

  /** There may be room now. */
  stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Ends the running wait for messages; what has come by then is accepted. */
  interrupt(): void {
    this.#receiving?.abort();
  }

  /** Runs until the connection has ended for good, or the source. Does not reject. */
  async run(): Promise<void> {
    const { signal } = this.#connection;
    while (!signal.aborted) {
      try {
        if (this.#owner.room() <= 0) await this.#idle();
        else if (!(await this.#receive())) break;
      } catch (error) {
        if (signal.aborted) break;
        const failure = await this.#owner.failed(error);
        if (!failure.retry) break;
        await this.#connection.pause();
      }
    }
    if (signal.aborted) await this.#lastCall();
    else this.#owner.ended();
  }

  /** False when the source has ended. */
  async #receive(): Promise<boolean> {
    const source = await this.#connection.get();
    const room = this.#owner.room();
    // Connecting took its time.
    if (this.#connection.signal.aborted || room <= 0) return true;
    const receiving = new AbortController();
    this.#receiving = receiving;
    const received = await this.#receiveFrom(source, Math.min(room, MAX_RECEIVE), receiving.signal);
    if (received === 'given up') {
      await this.#connection.pause();
      return true;
    }
    if (received === undefined) return false;
    this.#connection.succeeded();
    if (received.length > 0) this.#owner.accept(received);
    else await pause(this.#idleMs, receiving.signal);
    return true;
  }

  /**
   * `given up` when acknowledging over the same connection has failed meanwhile: however the call ends, its messages
   * come again over the next one.
   */
  async #receiveFrom(
    source: Source,
    max: number,
    signal: AbortSignal,
  ): Promise<readonly Received[] | undefined | 'given up'> {
    const isGivenUp = (): boolean => source.acknowledge !== undefined && !this.#connection.holds(source);
    try {
      const received = await source.receive(max, signal);
      return isGivenUp() ? 'given up' : received;
    } catch (error) {
      if (isGivenUp()) return 'given up';
      throw error;
    }
  }

  /** At close: takes what the source holds for this subscriber alone, and could not give to another one. */
  async #lastCall(): Promise<void> {
    if (!this.#connection.connected) return;
    try {
      const source = await this.#connection.get();
      // What is not acknowledged comes again.
      if (source.acknowledge !== undefined) return;
      const received = await source.receive(Number.MAX_SAFE_INTEGER, AbortSignal.abort());
      if (received !== undefined && received.length > 0) this.#owner.accept(received);
    } catch (error) {
      await this.#owner.failed(error);
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
