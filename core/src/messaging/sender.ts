import type { MillraceError } from '../errors.ts';
import { toConnectionError } from './connection.ts';
import type { Connection } from './connection.ts';
import { Fifo } from './fifo.ts';
import type { Entry, Outbox } from './outbox.ts';
import type { Encoded, Sink } from './sink.ts';

/** Bytes in one request, about: enough to make its own cost small, and little enough to repeat after a failure. */
const MAX_BATCH_BYTES = 1024 * 1024;

export interface SenderOptions {
  readonly maxBatch: number;
  /** Attempts per message. Infinity for unlimited. */
  readonly maxAttempts: number;
  /** Messages wait, and are not refused, while the target refuses the connection, or every message for want of a right. */
  readonly patient: boolean;
  /** Where messages wait whose attempts are used up; undefined refuses them. */
  readonly outage: { readonly maxMessages: number; readonly overflow: 'block' | 'drop-oldest' } | undefined;
}

/** Says when messages may go. */
export interface Gate {
  suspended(): boolean;
  /** How many queued messages may be taken now: all of them, unless they wait for an interval. */
  allowance(): number;
  took(count: number): void;
}

/** Is told what becomes of the messages. */
export interface Settlement {
  published(entry: Entry): void;
  refused(entry: Entry, error: MillraceError): void;
  dropped(entry: Entry, error: MillraceError): void;
  /** Accepted into the outage buffer. */
  buffered(entry: Entry): void;
}

/**
 * Takes batches from the outbox and sends them, one request under way at a time, while the next batch collects. After a
 * failure it sends again what is in doubt, on a new connection and before anything newer: order is kept.
 */
export class Sender {
  readonly #outbox: Outbox;
  readonly #connection: Connection<Sink<Encoded>>;
  readonly #settlement: Settlement;
  readonly #options: SenderOptions;
  readonly #gate: Gate;
  /** The batch under way: what is in front of `#settled` has been settled. Both arrays are used again and again. */
  readonly #batch: Entry[] = [];
  readonly #encoded: Encoded[] = [];
  #settled = 0;
  /** Failed attempts with the batch under way. */
  #attempts = 0;
  /** Messages whose attempts are used up. They are older than the batch and go first. */
  readonly #outage = new Fifo<Entry>();
  #wake: (() => void) | undefined;

  constructor(
    outbox: Outbox,
    connection: Connection<Sink<Encoded>>,
    settlement: Settlement,
    options: SenderOptions,
    gate: Gate,
  ) {
    this.#outbox = outbox;
    this.#connection = connection;
    this.#settlement = settlement;
    this.#options = options;
    this.#gate = gate;
  }

  /** Taken from the outbox and not settled yet, without the outage buffer. */
  get underWay(): number {
    return this.#batch.length - this.#settled;
  }

  get outage(): number {
    return this.#outage.length;
  }

  /** There may be something to send now. */
  wake(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    wake();
  }

  /** Sends until the connection has ended. Does not reject. */
  async run(): Promise<void> {
    const { signal } = this.#connection;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      if (this.#next()) await this.#attempt();
      else await this.#idle();
    }
  }

  /** What has not been settled, in its order. For the end. */
  *leftovers(): Generator<Entry> {
    for (let entry = this.#outage.shift(); entry !== undefined; entry = this.#outage.shift()) yield entry;
    this.#forget(this.#settled);
    const rest = [...this.#batch];
    this.#forget(rest.length);
    yield* rest;
    yield* this.#outbox.drain();
  }

  /** Whether there is something to send. */
  #next(): boolean {
    if (this.#gate.suspended()) return false;
    // Callers may have withdrawn some between two attempts.
    if (this.#attempts > 0) this.#forget(0);
    // Again where it took only what its callers had withdrawn.
    while (this.#batch.length === 0 && this.#take()) continue;
    return this.#batch.length > 0 || this.#outage.length > 0;
  }

  /** False when there is nothing that may go. */
  #take(): boolean {
    const most = Math.min(this.#gate.allowance(), this.#options.maxBatch);
    if (most <= 0 || this.#outbox.length === 0) return false;
    this.#gate.took(this.#outbox.take(this.#batch, this.#encoded, most, MAX_BATCH_BYTES));
    this.#attempts = 0;
    return true;
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #attempt(): Promise<void> {
    try {
      const sink = await this.#connection.get();
      if (this.#outage.length > 0) await this.#sendOutage(sink);
      if (this.#batch.length > 0) await this.#sendBatch(sink);
      this.#connection.succeeded();
    } catch (cause) {
      const error = await this.#connection.failed(cause);
      if (this.#connection.signal.aborted) return;
      this.#attempts++;
      if (!error.retry && !this.#options.patient) this.#refuseAll(error);
      else if (this.#attempts >= this.#options.maxAttempts) this.#giveUp(error);
      await this.#connection.pause();
    }
  }

  async #sendBatch(sink: Sink<Encoded>): Promise<void> {
    try {
      await this.#send(sink, this.#batch, this.#encoded, this.#taken);
      this.#forget(this.#batch.length);
    } catch (error) {
      this.#forget(this.#settled);
      throw error;
    }
  }

  /** Sends what waits longest, in batches of its own. */
  async #sendOutage(sink: Sink<Encoded>): Promise<void> {
    while (this.#outage.length > 0 && !this.#connection.signal.aborted) {
      const entries = this.#outage.first(this.#options.maxBatch);
      const encoded = entries.map((entry) => entry.encoded);
      let settled = 0;
      await this.#send(sink, entries, encoded, (count) => {
        for (const end = Math.min(count, entries.length); settled < end; settled++) {
          const entry = this.#outage.shift();
          if (entry !== undefined && !entry.settled) this.#settlement.published(entry);
        }
      });
    }
  }

  /** Settles all of them, unless it throws: then a new connection may heal it, and those not taken are in doubt. */
  async #send(
    sink: Sink<Encoded>,
    entries: readonly Entry[],
    encoded: readonly Encoded[],
    taken: (count: number) => void,
  ): Promise<void> {
    try {
      const refusals = await sink.send(encoded, taken);
      if (
        this.#options.patient &&
        refusals.length === entries.length &&
        refusals.every(({ error }) => isDenial(error))
      ) {
        throw refusals[0]!.error;
      }
      for (const { index, error } of refusals) {
        const entry = entries[index];
        if (entry !== undefined && !entry.settled) this.#settlement.refused(entry, error);
      }
    } catch (cause) {
      const error = toConnectionError(cause);
      if (error.retry || (this.#options.patient && isDenial(error))) throw error;
      for (const entry of entries) if (!entry.settled) this.#settlement.refused(entry, error);
    }
    taken(entries.length);
  }

  /** The first `count` of the batch have arrived. */
  readonly #taken = (count: number): void => {
    const end = Math.min(count, this.#batch.length);
    for (; this.#settled < end; this.#settled++) {
      const entry = this.#batch[this.#settled]!;
      if (!entry.settled) this.#settlement.published(entry);
    }
  };

  /** Removes the first `count` from the batch, and those that their callers have withdrawn. */
  #forget(count: number): void {
    const rest = count === this.#batch.length ? [] : this.#batch.slice(count).filter(({ settled }) => !settled);
    this.#batch.length = 0;
    this.#encoded.length = 0;
    this.#settled = 0;
    for (const entry of rest) {
      this.#batch.push(entry);
      this.#encoded.push(entry.encoded);
    }
  }

  #refuseAll(error: MillraceError): void {
    for (const entry of this.#batch) if (!entry.settled) this.#settlement.refused(entry, error);
    this.#forget(this.#batch.length);
  }

  /** The batch's attempts are used up. */
  #giveUp(error: MillraceError): void {
    const { outage } = this.#options;
    if (outage === undefined) {
      this.#refuseAll(error);
      return;
    }
    // Callers may have withdrawn some during the attempt: those are accounted for.
    this.#forget(0);
    let moved = 0;
    for (const entry of this.#batch) {
      if (this.#outage.length >= outage.maxMessages) {
        // The rest stays the batch under way: its callers wait, and nothing newer is taken.
        if (outage.overflow === 'block') break;
        const oldest = this.#outage.shift();
        if (oldest !== undefined) this.#settlement.dropped(oldest, error);
      }
      this.#outage.push(entry);
      this.#settlement.buffered(entry);
      moved++;
    }
    this.#forget(moved);
  }
}

/** Somebody has to grant a right: it is nothing that the message could do better. */
const isDenial = ({ code }: MillraceError): boolean => code === 'UNAUTHORIZED';
