import { AsyncLocalStorage } from 'node:async_hooks';

import { hasCode, MillraceError } from '../errors.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Message } from '../publisher.ts';
import type { NextOptions } from '../subscriber.ts';
import type { Inbox } from './inbox.ts';
import type { Item, Receipts } from './receipts.ts';

export interface DeliveryOptions {
  readonly lifecycle: Lifecycle;
  readonly inbox: Inbox<Item>;
  readonly receipts: Receipts;
  /** Whether a message is acknowledged once its handler has resolved. */
  readonly automatic: boolean;
  /** What the subscriber has failed with. */
  readonly failure: () => MillraceError | undefined;
}

/** The ways in which an application gets what has been received. */
export class Delivery {
  readonly #lifecycle: Lifecycle;
  readonly #inbox: Inbox<Item>;
  readonly #receipts: Receipts;
  readonly #automatic: boolean;
  readonly #failure: () => MillraceError | undefined;
  /** The calls of `subscribe` that are under way; a handler's code knows its own. */
  readonly #handling = new Set<Promise<void>>();
  readonly #own = new AsyncLocalStorage<{ handling?: Promise<void> }>();

  constructor({ lifecycle, inbox, receipts, automatic, failure }: DeliveryOptions) {
    this.#lifecycle = lifecycle;
    this.#inbox = inbox;
    this.#receipts = receipts;
    this.#automatic = automatic;
    this.#failure = failure;
  }

  next({ timeoutMs, signal }: NextOptions): Promise<Message | undefined> {
    if (signal?.aborted === true) return Promise.reject(cancelled(signal));
    this.#receipts.returned();
    const item = this.#inbox.poll();
    if (item === undefined) return this.#wait(timeoutMs, signal).then((late) => this.#give(late));
    return Promise.resolve(this.#give(item));
  }

  iterator(): AsyncIterator<Message, undefined> {
    // No generator: what it costs for each message is more than the rest of the delivery.
    return {
      next: () => {
        this.#receipts.returned();
        const item = this.#inbox.poll();
        if (item !== undefined) return Promise.resolve(resultOf(this.#give(item)));
        return this.#wait(undefined, undefined).then((late) => resultOf(this.#give(late)));
      },
    };
  }

  async subscribe(
    handler: (message: Message) => void | Promise<void>,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<void> {
    const own: { handling?: Promise<void> } = {};
    const handling = this.#own.run(own, () => this.#handle(handler, signal));
    own.handling = handling;
    this.#handling.add(handling);
    try {
      await handling;
    } finally {
      this.#handling.delete(handling);
    }
  }

  /** Resolves when the calls of `subscribe` have ended, but for the one whose handler asks: it would wait for itself. */
  async handled(): Promise<void> {
    const { handling: own } = this.#own.getStore() ?? {};
    await Promise.allSettled([...this.#handling].filter((handling) => handling !== own));
  }

  async #handle(handler: (message: Message) => void | Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (signal?.aborted === true) return;
      const item = this.#inbox.poll() ?? (await this.#waitUntil(signal));
      if (item === undefined) return;
      const handled = handler(item.message);
      if (handled !== undefined) await handled;
      if (this.#automatic) this.#receipts.done(item);
    }
  }

  #give(item: Item | undefined): Message | undefined {
    return item === undefined ? undefined : this.#receipts.give(item);
  }

  /** Undefined when the time is over or nothing will come. @throws CANCELLED, what the subscriber failed with */
  async #wait(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<Item | undefined> {
    const { state } = this.#lifecycle;
    if (state === 'created' || state === 'starting') this.#lifecycle.assertRunning();
    const item = await this.#inbox.wait(timeoutMs, signal);
    if (item !== undefined) return item;
    const failure = this.#failure();
    if (failure !== undefined) throw failure;
    if (signal?.aborted === true && this.#lifecycle.state === 'running') throw cancelled(signal);
    return undefined;
  }

  /** As `#wait`, where the signal's abort is an orderly end. */
  async #waitUntil(signal: AbortSignal | undefined): Promise<Item | undefined> {
    try {
      return await this.#wait(undefined, signal);
    } catch (error) {
      if (hasCode(error, 'CANCELLED')) return undefined;
      throw error;
    }
  }
}

const resultOf = (value: Message | undefined): IteratorResult<Message, undefined> =>
  value === undefined ? { done: true, value } : { done: false, value };

function cancelled(signal: AbortSignal): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted while waiting for a message', { cause: signal.reason });
}
