import type { Logger } from '../logging.ts';
import type { Message } from '../publisher.ts';
import type { SubscriberDetails } from '../subscriber.ts';
import { bytesOf } from './ahead.ts';
import type { Ahead } from './ahead.ts';
import type { Decoder } from './decoder.ts';
import { hookFailed, isWorthALine } from './hooks.ts';
import type { Inbox } from './inbox.ts';
import { clampPriority, LOWEST_PRIORITY } from './priority.ts';
import type { PriorityExtractor } from './priority.ts';
import { RateMeter } from './rate-meter.ts';
import type { Item, Receipts } from './receipts.ts';
import type { Received } from './source.ts';

export interface ReceptionOptions {
  /** In log lines: `subscriber "orders"`. */
  readonly who: string;
  readonly logger: Logger | undefined;
  readonly notify: ((message: Message) => void) | undefined;
  /** Undefined where there is no priority queue. */
  readonly priorityOf: PriorityExtractor | undefined;
  readonly decoder: Decoder;
  readonly inbox: Inbox<Item>;
  readonly receipts: Receipts;
  readonly ahead: Ahead;
}

/** Makes messages of what comes in, counts them, and puts them where the application gets them. */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #rate = new RateMeter();
  #received = 0;
  #lastReceive: number | undefined;
  /** Their priority could not be read. */
  #withoutPriority = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Messages, without those that were forgotten. */
  get received(): number {
    return this.#received;
  }

  accept(received: readonly Received[]): void {
    const { decoder, receipts, ahead } = this.#options;
    this.#lastReceive = Date.now();
    this.#received += received.length;
    this.#rate.add(received.length);
    let bytes = 0;
    for (const one of received) {
      const size = bytesOf(one);
      bytes += size;
      const message = decoder.decode(one);
      if (message === undefined) receipts.skip(one);
      else this.#put(one, size, message);
    }
    ahead.came(received.length, bytes);
  }

  /** Takes out what the application has not got: it counts when it comes again. */
  takeUnread(): Item[] {
    const unread = [...this.#options.inbox.drain()];
    this.#received -= unread.length;
    return unread;
  }

  details(): Pick<
    SubscriberDetails,
    'last_receive' | 'receive_count' | 'rate_per_minute' | 'peak_per_minute' | 'priority_errors' | 'packaged_count'
  > {
    return {
      last_receive: this.#lastReceive === undefined ? undefined : new Date(this.#lastReceive).toISOString(),
      receive_count: this.#received,
      rate_per_minute: this.#rate.perMinute(),
      peak_per_minute: this.#rate.peakPerMinute(),
      priority_errors: this.#withoutPriority,
      packaged_count: this.#options.decoder.packaged,
    };
  }

  #put(received: Received, bytes: number, message: Message): void {
    const { receipts, inbox, notify } = this.#options;
    const item: Item = { message, priority: this.#priorityFor(message), received, bytes, done: false };
    receipts.track(item);
    inbox.put(item);
    if (notify !== undefined) this.#notify(message, notify);
  }

  #priorityFor({ value }: Message): number {
    const { priorityOf, who, logger } = this.#options;
    if (priorityOf === undefined) return LOWEST_PRIORITY;
    try {
      return clampPriority(priorityOf(value));
    } catch (cause) {
      // As a value without a priority: it is delivered, and nothing behind it waits.
      const err = hookFailed(who, 'priorityExtractor', cause);
      const count = ++this.#withoutPriority;
      if (isWorthALine(count)) logger?.error({ err, count }, err.message);
      return LOWEST_PRIORITY;
    }
  }

  #notify(message: Message, notify: (message: Message) => void): void {
    try {
      notify(message);
    } catch (error) {
      this.#options.logger?.error({ err: error }, `${this.#options.who}: its notify callback failed`);
    }
  }
}
