import { MillraceError } from '@millrace/core';
import type { Message, Subscriber } from '@millrace/core';
import type { BoundedQueue } from './bounded-queue.ts';
import type { MessageText } from './message-text.ts';
import { decodeMessage } from './message-text.ts';

export class MemorySubscriber implements Subscriber {
  readonly #leave: () => BoundedQueue<MessageText> | undefined;
  readonly #closed = new AbortController();
  #source: BoundedQueue<MessageText> | undefined;

  /** `leave` is called once, at close, and gives what can still be read afterwards. */
  constructor(source: BoundedQueue<MessageText>, leave: () => BoundedQueue<MessageText> | undefined) {
    this.#source = source;
    this.#leave = leave;
  }

  async next(
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Message | undefined> {
    const { timeoutMs, signal } = options;
    const aborted = () => signal?.aborted === true;
    if (aborted()) throw cancelled(signal);
    const closed = this.#closed.signal;
    const ended = signal === undefined ? closed : AbortSignal.any([closed, signal]);
    const message = await this.#source?.take(timeoutMs, ended);
    if (message !== undefined) return decodeMessage(message);
    if (aborted() && !closed.aborted) throw cancelled(signal);
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (let message = await this.next(); message !== undefined; message = await this.next()) yield message;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#source = this.#leave();
    this.#closed.abort();
  }
}

function cancelled(signal: AbortSignal | undefined): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted while waiting for a message', { cause: signal?.reason });
}
