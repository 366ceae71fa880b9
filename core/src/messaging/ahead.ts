import type { Received } from './source.ts';

/** What an object with its key and value takes beside the text, about. */
const OVERHEAD_BYTES = 100;
/** Taken for the size of a message before the first one has come: it keeps the first answer small. */
const FIRST_GUESS_BYTES = 128 * 1024;

/** What a message takes in memory, about. */
export const bytesOf = ({ body }: Received): number => body.length + OVERHEAD_BYTES;

/** Messages that count against the bounds of an {@link Ahead}. */
export interface Held {
  readonly messages: number;
  readonly bytes: number;
}

/** How far to receive ahead of the application: bounded in messages and in bytes. */
export class Ahead {
  readonly maxDepth: number;
  readonly #maxBytes: number;
  /** Of one message, as they have been of late. */
  #meanBytes = FIRST_GUESS_BYTES;

  constructor(maxDepth: number, maxBytes: number) {
    this.maxDepth = maxDepth;
    this.#maxBytes = maxBytes;
  }

  /** So many messages of so many bytes have come at once. */
  came(messages: number, bytes: number): void {
    const mean = bytes / messages;
    // Larger ones are believed at once, smaller ones by and by.
    this.#meanBytes = Math.max(mean, (this.#meanBytes + mean) / 2);
  }

  /** How many more may be received. One that is larger than the bound alone is, when nothing else is held. */
  room({ messages, bytes }: Held): number {
    if (messages === 0) return Math.min(this.maxDepth, Math.max(1, Math.floor(this.#maxBytes / this.#meanBytes)));
    return Math.min(this.maxDepth - messages, Math.floor((this.#maxBytes - bytes) / this.#meanBytes));
  }

  /** Whether to go on receiving: rather that than for one message at a time. */
  isHalfFree({ messages, bytes }: Held): boolean {
    return messages * 2 <= this.maxDepth && bytes * 2 <= this.#maxBytes;
  }
}
