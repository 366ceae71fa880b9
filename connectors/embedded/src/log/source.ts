import type { Watermark } from '@millrace/storage';
import { logClosed } from './errors.ts';

/**
 * What a reading end needs of the log's owner. The reader opens the segment files itself; here it learns how far they
 * are durable. The owner implements this directly, and over a channel for other threads.
 */
export interface LogSource {
  readonly partitions: number;
  watermark(): Promise<Watermark>;
  /** Resolves once records at or above the offset are durable. @throws LOG_CLOSED */
  past(offset: number): Promise<Watermark>;
  /** Registers the group and makes this its only consumer. @throws GROUP_BUSY */
  join(group: string): Promise<void>;
  leave(group: string): Promise<void>;
  release(group: string, partition: number, below: number): Promise<void>;
  /** A reader met a piece of damage. */
  damaged(place: string, reason: string): void;
}

interface Waiting {
  readonly offset: number;
  readonly resolve: (watermark: Watermark) => void;
  readonly reject: (error: Error) => void;
}

/** The durable watermark and who waits for it to move. */
export class Watermarks {
  #current: Watermark;
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(current: Watermark) {
    this.#current = current;
  }

  /** @throws LOG_CLOSED */
  get current(): Watermark {
    if (this.#closed) throw logClosed();
    return this.#current;
  }

  past(offset: number): Promise<Watermark> {
    if (this.#closed) return Promise.reject(logClosed());
    if (this.#current.offset > offset) return Promise.resolve(this.#current);
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }));
  }

  publish(watermark: Watermark): void {
    this.#current = watermark;
    if (this.#waiting.length === 0) return;
    const woken = this.#waiting;
    this.#waiting = woken.filter((waiting) => waiting.offset >= watermark.offset);
    for (const waiting of woken) if (waiting.offset < watermark.offset) waiting.resolve(watermark);
  }

  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(logClosed());
  }
}
