import type { Message } from './publisher.ts';

export interface NextOptions {
  /** Waits for ever without it, not at all with 0. Milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Receives messages from somewhere, one at a time and in order. Pull with `next`, iterate, or give a handler to
 * `subscribe`.
 *
 * A message is acknowledged to where it came from once the application asks for the next one (or its handler has
 * resolved); with `ack: 'manual'` only by `acknowledge`. What was not acknowledged when the subscriber closes comes
 * again, where the connector can do that.
 *
 * @example
 * const subscriber = await openSubscriber('memory://queue/orders');
 * const first = await subscriber.next({ timeoutMs: 1000 });   // undefined when nothing came
 * for await (const message of subscriber) console.log(message.value);   // until closed
 */
export interface Subscriber extends AsyncIterable<Message> {
  readonly name: string;
  /** Connects. A source that is away does not fail it. @throws what will not heal: INVALID_OPTION, REFUSED ... */
  start(): Promise<void>;
  /**
   * The next message. Undefined when the time is over, or the subscriber is closed and drained, or its source has ended.
   *
   * Giving up loses nothing: a message that comes later is for the next call.
   *
   * @throws CANCELLED when the signal aborts; what ended the subscriber, when it failed
   */
  next(options?: NextOptions): Promise<Message | undefined>;
  /**
   * Gives every message to the handler, one after the other, until the signal aborts or the subscriber closes.
   * A handler that rejects ends it with that error; the message is not acknowledged.
   */
  subscribe(
    handler: (message: Message) => void | Promise<void>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** The application is done with this message, which it got from here: it need not come again. */
  acknowledge(message: Message): void;
  /** Asks for nothing more until `resume`; what has been received, or is about to arrive, can still be read. */
  suspend(): void;
  resume(): void;
  /** As `suspend`, to let what was received drain: a pause for maintenance, shown by `details().frozen`. */
  freeze(): void;
  unfreeze(): void;
  isFrozen(): boolean;
  /** Whether it receives: from the end of `start` until `close`, unless it has failed. Its source may still be away. */
  isRunning(): boolean;
  /** Messages received so far: given to the application, or waiting for it. The same as `details().receive_count`. */
  getMessageCount(): number;
  details(): SubscriberDetails;
  /**
   * Stops receiving; what has been received can still be read, if it would not come again. Waits for the handlers that
   * run, for 5 s at most, and acknowledges what they finish; but not for a handler that calls it. Closing twice is harmless.
   */
  close(): Promise<void>;
}

export interface SubscriberDetails {
  readonly name: string;
  readonly source: string;
  readonly state: string;
  readonly max_depth: number;
  /** Whether a message counts as done once the next one is asked for, or when it is acknowledged. */
  readonly ack: 'auto' | 'manual';
  readonly current_depth: number;
  /** What those messages take in memory, about. */
  readonly current_depth_bytes: number;
  /** ISO time of the last message. */
  readonly last_receive: string | undefined;
  readonly receive_count: number;
  /** Messages a minute, newer ones weighing more: half as much every 30 s. */
  readonly rate_per_minute: number;
  /** The most in one of the last 30 minutes. */
  readonly peak_per_minute: number;
  readonly suspended: boolean;
  readonly frozen: boolean;
  readonly priority_queue_enabled: boolean;
  readonly priority_key: string | undefined;
  /** Messages for which `priorityExtractor` threw: they are delivered as the least urgent. */
  readonly priority_errors: number;
  readonly auto_package_enabled: boolean;
  readonly packaged_count: number;
  readonly package_wrapper_key: string;
  /** Done with, and told to the source. */
  readonly acknowledged: number;
  /** Given to the application, not acknowledged yet. */
  readonly unacknowledged: number;
  readonly reconnects: number;
  readonly consecutive_errors: number;
  readonly connected: boolean;
  readonly last_error: string | undefined;
}
