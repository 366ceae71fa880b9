import type { MillraceError } from '../errors.ts';
import { Fifo } from './fifo.ts';
import type { Lanes } from './lanes.ts';
import type { Encoded } from './sink.ts';

export type OverflowPolicy = 'block' | 'drop-oldest' | 'drop-newest';

/** One accepted message until it is settled. A class, because an object of one shape is what a hot path wants. */
export class Entry {
  readonly encoded: Encoded;
  readonly priority: number;
  readonly group: FlushGroup;
  /** Told once: for `publish` when the message is settled, for `enqueue` when it has found room. */
  resolve: (() => void) | undefined = undefined;
  reject: ((error: MillraceError) => void) | undefined = undefined;
  /** Whether `resolve` waits for room only. */
  untilRoom = false;
  settled = false;

  constructor(encoded: Encoded, priority: number, group: FlushGroup) {
    this.encoded = encoded;
    this.priority = priority;
    this.group = group;
  }
}

/** The messages between two calls of `flush`, which waits for all of them. */
export interface FlushGroup {
  pending: number;
  done: (() => void) | undefined;
}

export interface OutboxLimits {
  readonly maxDepth: number;
  readonly maxBytes: number;
  readonly overflow: OverflowPolicy;
}

/** The queue in front of a target: bounded in messages and bytes, ordered by its lanes. */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #lanes: Lanes<Entry>;
  readonly #evicted: (entry: Entry) => void;
  /** Those that found no room; with policy `block` only. */
  readonly #waiting = new Fifo<Entry>();
  #bytes = 0;
  /** Since all were last looked through. */
  #withdrawn = 0;

  constructor(limits: OutboxLimits, lanes: Lanes<Entry>, evicted: (entry: Entry) => void) {
    this.#limits = limits;
    this.#lanes = lanes;
    this.#evicted = evicted;
  }

  /** Queued, without those that wait for room. */
  get length(): number {
    return this.#lanes.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return (
      this.#waiting.length > 0 || this.#lanes.length >= this.#limits.maxDepth || this.#bytes >= this.#limits.maxBytes
    );
  }

  /** False when the policy drops it. */
  offer(entry: Entry): boolean {
    if (this.#waiting.length === 0 && this.#fits(entry)) {
      this.#push(entry);
      return true;
    }
    const { overflow } = this.#limits;
    if (overflow === 'drop-newest') return false;
    if (overflow === 'block') {
      this.#waiting.push(entry);
      return true;
    }
    while (!this.#fits(entry)) this.#evictOne();
    this.#push(entry);
    return true;
  }

  /** Moves the next messages to the end of `batch`, at most so many and about so many bytes; returns how many. */
  take(batch: Entry[], encoded: Encoded[], maxMessages: number, maxBytes: number): number {
    let taken = 0;
    let bytes = 0;
    while (taken < maxMessages && bytes < maxBytes) {
      const entry = this.#lanes.shift();
      if (entry === undefined) break;
      taken++;
      this.#bytes -= entry.encoded.bytes;
      // One that its caller has withdrawn.
      if (entry.settled) continue;
      bytes += entry.encoded.bytes;
      batch.push(entry);
      encoded.push(entry.encoded);
    }
    if (this.#waiting.length > 0) this.#admit();
    return taken;
  }

  /**
   * The caller of an entry has withdrawn it. Nothing is taken while the target is away, and nothing bounds those that
   * wait for room: callers that give up again and again must fill neither the memory nor the queue.
   */
  withdrawn(): void {
    if (++this.#withdrawn * 2 <= this.#lanes.length + this.#waiting.length) return;
    this.#withdrawn = 0;
    this.#waiting.retain(({ settled }) => !settled);
    this.#lanes.retain(({ settled, encoded }) => {
      if (settled) this.#bytes -= encoded.bytes;
      return !settled;
    });
    this.#admit();
  }

  /** Everything that is left, oldest or most urgent first. */
  *drain(): Generator<Entry> {
    for (;;) {
      const entry = this.#lanes.shift() ?? this.#waiting.shift();
      if (entry === undefined) return;
      if (!entry.settled) yield entry;
    }
  }

  #admit(): void {
    for (;;) {
      const entry = this.#waiting.peek();
      if (entry === undefined || !(entry.settled || this.#fits(entry))) return;
      this.#waiting.shift();
      if (entry.settled) continue;
      this.#push(entry);
      if (entry.untilRoom) {
        entry.untilRoom = false;
        entry.resolve?.();
        entry.resolve = undefined;
        entry.reject = undefined;
      }
    }
  }

  #push(entry: Entry): void {
    this.#bytes += entry.encoded.bytes;
    this.#lanes.push(entry);
  }

  /** A message larger than the bound alone is let into an empty queue: it would wait for ever. */
  #fits({ encoded }: Entry): boolean {
    const { maxDepth, maxBytes } = this.#limits;
    if (this.#lanes.length === 0) return true;
    return this.#lanes.length < maxDepth && this.#bytes + encoded.bytes <= maxBytes;
  }

  #evictOne(): void {
    const entry = this.#lanes.evict();
    if (entry === undefined) return;
    this.#bytes -= entry.encoded.bytes;
    if (!entry.settled) this.#evicted(entry);
  }
}
