import { MillraceError } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { SignalOption } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message, Publisher, PublisherDetails } from '../publisher.ts';
import { Connection } from './connection.ts';
import { FifoLane, PriorityLanes } from './lanes.ts';
import { Entry, Outbox } from './outbox.ts';
import { FlushGroups } from './flush-groups.ts';
import { atMost } from './at-most.ts';
import { messageFrom } from './payload.ts';
import { clampPriority, LOWEST_PRIORITY, priorityFrom } from './priority.ts';
import type { PriorityExtractor } from './priority.ts';
import type { PublisherValues } from './publisher-options.ts';
import { Release } from './release.ts';
import { Sender } from './sender.ts';
import type { Settlement } from './sender.ts';
import type { Encoded, PreparedSink, Sink } from './sink.ts';

/** What an application hands to a publisher beside its options. */
export interface PublisherHooks {
  readonly logger?: Logger | undefined;
  /** Is told of every message that was accepted and then refused or dropped, where no `publish` rejects with it. */
  readonly onError?: ((error: MillraceError, message: Encoded) => void) | undefined;
  /** Only messages for which it gives exactly true are published. May be asynchronous; order is kept. */
  readonly predicate?: ((message: Message) => boolean | Promise<boolean>) | undefined;
  /** Instead of reading a field of the value. */
  readonly priorityExtractor?: PriorityExtractor | undefined;
}

export interface SinkPublisherOptions {
  readonly name: string;
  /** The destination without its password. */
  readonly display: string;
  readonly values: PublisherValues;
  readonly hooks: PublisherHooks;
}

const DEFAULT_DEADLINE_MS = 30_000;
const DONE = Promise.resolve();

/** The publisher of every connector: a queue, a sender, and counters in front of its sink. */
export class SinkPublisher implements Publisher {
  readonly name: string;
  readonly #options: SinkPublisherOptions;
  readonly #prepared: PreparedSink<Encoded>;
  readonly #lifecycle: Lifecycle;
  readonly #outbox: Outbox;
  readonly #connection: Connection<Sink<Encoded>>;
  readonly #sender: Sender;
  readonly #release: Release;
  readonly #groups = new FlushGroups();
  readonly #priorityOf: PriorityExtractor | undefined;
  readonly #who: string;
  /** Predicates that have not answered yet; the last of them opens the gate. */
  #undecided = 0;
  #gate: Promise<void> | undefined;
  #suspended = false;
  #offered = 0;
  #published = 0;
  #refused = 0;
  #dropped = 0;
  #filtered = 0;
  #queuedBytes = 0;
  #lastPublish: number | undefined;
  #lastError: MillraceError | undefined;

  constructor(prepared: PreparedSink<Encoded>, options: SinkPublisherOptions) {
    const { name, display, values, hooks } = options;
    this.name = name;
    this.#options = options;
    this.#prepared = prepared;
    this.#who = `publisher "${name}"`;
    this.#lifecycle = new Lifecycle(this.#who);
    const byPriority = values.queueType === 'priority';
    this.#priorityOf = byPriority
      ? (hooks.priorityExtractor ?? priorityFrom(values.dagPriorityKey ?? '_dag_priority'))
      : undefined;
    this.#outbox = new Outbox(
      { maxDepth: values.maxQueueDepth, maxBytes: values.maxQueueBytes, overflow: values.overflow },
      byPriority ? new PriorityLanes() : new FifoLane(),
      (entry) => this.#drop(entry, this.#queueFull()),
    );
    this.#connection = new Connection({
      connect: (signal) => prepared.connect(signal),
      backOff: { firstMs: values.retryBackoff, maxMs: values.retryMaxBackoff },
      who: this.#who,
      display,
      logger: hooks.logger,
    });
    const pace = { intervalMs: values.publishInterval, batchSize: values.batchSize };
    this.#release = new Release(pace, this.#outbox, () => this.#sender.wake());
    const afterRetries = values.afterRetries ?? (values.resilient ? 'buffer' : 'refuse');
    this.#sender = new Sender(
      this.#outbox,
      this.#connection,
      this.#settlement,
      {
        maxBatch: Math.min(values.maxBatch, prepared.maxBatch ?? values.maxBatch),
        maxAttempts: values.retryMax ?? (values.resilient ? 5 : Infinity),
        outage:
          afterRetries === 'buffer'
            ? { maxMessages: values.bufferMaxMessages, overflow: values.bufferOverflow }
            : undefined,
      },
      {
        suspended: () => this.#suspended,
        allowance: () => this.#release.allowance(),
        took: (count) => this.#release.took(count),
      },
    );
  }

  async start(): Promise<void> {
    await this.#lifecycle.start(async () => {
      try {
        await this.#connection.get();
      } catch (cause) {
        const error = await this.#connection.failed(cause);
        if (!error.retry) {
          await this.#connection.close();
          throw error;
        }
      }
      void this.#sender.run();
    });
  }

  publish(message: Message, options?: SignalOption): Promise<void> {
    return this.#guarded(message, false, options?.signal);
  }

  enqueue(message: Message, options?: SignalOption): Promise<void> {
    return this.#guarded(message, true, options?.signal);
  }

  async flush(): Promise<void> {
    await this.#gate;
    this.#release.all();
    await this.settled();
  }

  /** As `flush`, without sending anything sooner. */
  async settled(): Promise<void> {
    await this.#groups.settled();
  }

  suspend(): void {
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    this.#sender.wake();
  }

  async close({ deadlineMs = DEFAULT_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    let left = 0;
    // Whoever closes does not want to wait for a connection any more.
    if (this.#lifecycle.state === 'starting') this.#connection.end();
    await this.#lifecycle.stop(async () => {
      this.#release.open();
      this.resume();
      await atMost(deadlineMs, this.flush());
      const error = new MillraceError('TIMEOUT', `${this.#who} was closed: not sent within ${deadlineMs} ms`);
      left = await this.#disconnect((entry) => this.#drop(entry, error));
    });
    if (left === 0) return;
    const message = `${this.#who} was closed: ${left} messages were not sent within ${deadlineMs} ms`;
    throw new MillraceError('TIMEOUT', message, { field: 'deadlineMs', value: deadlineMs });
  }

  /** Disconnects at once. What is queued is forgotten: it is kept elsewhere, and neither counted nor told. */
  async abandon(): Promise<void> {
    await this.#lifecycle.stop(async () => {
      await this.#disconnect((entry) => {
        this.#offered--;
        this.#settle(entry);
        entry.resolve?.();
      });
    });
  }

  details(): PublisherDetails {
    const { values, name, display } = this.#options;
    const maxAttempts = values.retryMax ?? (values.resilient ? 5 : undefined);
    const byPriority = this.#priorityOf !== undefined;
    return {
      name,
      destination: display,
      state: this.#lifecycle.state,
      publish_interval: values.publishInterval / 1000,
      batch_size: values.batchSize,
      max_queue_depth: values.maxQueueDepth,
      priority_queue_enabled: byPriority,
      priority_key: byPriority ? (values.dagPriorityKey ?? '_dag_priority') : undefined,
      last_publish: this.#lastPublish === undefined ? undefined : new Date(this.#lastPublish).toISOString(),
      publish_count: this.#published,
      queue_depth: this.#offered - this.#published - this.#refused - this.#dropped,
      queue_bytes: this.#queuedBytes,
      offered: this.#offered,
      refused: this.#refused,
      dropped: this.#dropped,
      filtered: this.#filtered,
      retries: this.#connection.failures,
      reconnects: this.#connection.reconnects,
      connected: this.#connection.connected,
      suspended: this.#suspended,
      resilient: values.resilient,
      retry_max: maxAttempts,
      outage_buffer_depth: this.#sender.outage,
      wal_bytes: undefined,
      last_error: (this.#lastError ?? this.#connection.lastError)?.message,
    };
  }

  /** Returns how many were left. */
  async #disconnect(leave: (entry: Entry) => void): Promise<number> {
    this.#connection.end();
    let left = 0;
    for (const entry of this.#sender.leftovers()) {
      left++;
      leave(entry);
    }
    await this.#connection.close();
    return left;
  }

  #guarded(given: Message, untilRoom: boolean, signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#lifecycle.assertRunning();
      if (signal?.aborted === true) throw cancelled(signal);
      const { predicate } = this.#options.hooks;
      const message = this.#keyed(given);
      if (predicate !== undefined) return this.#filter(predicate, message, untilRoom, signal);
      return this.#offer(message, untilRoom, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #filter(
    predicate: NonNullable<PublisherHooks['predicate']>,
    message: Message,
    untilRoom: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    // Taken now, as without a predicate: what the caller changes later has no effect on what is sent.
    const encoded = this.#prepared.encode(message);
    const priority = this.#priorityFor(message);
    const verdict = predicate(message);
    const offer = (yes: unknown): Promise<void> => {
      // An answer after the end: nobody would send it, nor say so.
      if (this.#connection.signal.aborted) this.#lifecycle.assertRunning();
      if (yes === true) return this.#offerEncoded(encoded, priority, untilRoom, signal);
      this.#filtered++;
      return DONE;
    };
    if (typeof verdict === 'boolean' && this.#undecided === 0) return offer(verdict);
    return this.#offerLater(verdict, offer);
  }

  /** Waits for the verdict, and for those that were asked for before it: order is kept. */
  async #offerLater(verdict: unknown, offer: (yes: unknown) => Promise<void>): Promise<void> {
    const before = this.#gate;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#undecided++;
    let offered: Promise<void>;
    try {
      const yes = await verdict;
      await before;
      offered = offer(yes);
    } finally {
      this.#undecided--;
      resolve();
    }
    await offered;
  }

  #keyed(message: Message): Message {
    const { keyField } = this.#options.values;
    if (keyField === undefined || message.key !== undefined) return message;
    return { ...message, ...messageFrom(message.value, keyField) };
  }

  #offer(message: Message, untilRoom: boolean, signal: AbortSignal | undefined): Promise<void> {
    const encoded = this.#prepared.encode(message);
    return this.#offerEncoded(encoded, this.#priorityFor(message), untilRoom, signal);
  }

  #priorityFor(message: Message): number {
    return this.#priorityOf === undefined ? LOWEST_PRIORITY : clampPriority(this.#priorityOf(message.value));
  }

  #offerEncoded(
    encoded: Encoded,
    priority: number,
    untilRoom: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const entry = new Entry(encoded, priority, this.#groups.enter());
    this.#offered++;
    this.#queuedBytes += encoded.bytes;
    const waits = this.#outbox.waiting;
    if (!this.#outbox.offer(entry)) {
      const error = this.#queueFull();
      if (untilRoom) this.#drop(entry, error);
      else this.#countDropped(entry, error);
      return untilRoom ? DONE : Promise.reject(error);
    }
    this.#release.offered();
    this.#sender.wake();
    if (untilRoom && this.#outbox.waiting === waits) return DONE;
    entry.untilRoom = untilRoom;
    const promise = new Promise<void>((resolve, reject) => {
      entry.resolve = resolve;
      entry.reject = reject;
    });
    return signal === undefined ? promise : this.#cancellable(entry, promise, signal);
  }

  async #cancellable(entry: Entry, promise: Promise<void>, signal: AbortSignal): Promise<void> {
    const withdraw = (): void => {
      if (entry.settled || entry.reject === undefined) return;
      this.#settlement.refused(entry, cancelled(signal));
      this.#outbox.withdrawn();
    };
    signal.addEventListener('abort', withdraw, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }

  readonly #settlement: Settlement = {
    published: (entry) => {
      this.#published++;
      this.#lastPublish = Date.now();
      this.#settle(entry);
      entry.resolve?.();
    },
    refused: (entry, error) => {
      this.#refused++;
      this.#log(this.#refused, 'refused', error);
      this.#settle(entry);
      this.#tell(entry, error);
    },
    dropped: (entry, error) => this.#drop(entry, error),
    buffered: (entry) => {
      entry.resolve?.();
      entry.resolve = undefined;
      entry.reject = undefined;
    },
  };

  #drop(entry: Entry, error: MillraceError): void {
    this.#countDropped(entry, error);
    this.#tell(entry, error);
  }

  #countDropped(entry: Entry, error: MillraceError): void {
    this.#dropped++;
    this.#log(this.#dropped, 'dropped', error);
    this.#settle(entry);
  }

  #settle(entry: Entry): void {
    entry.settled = true;
    this.#queuedBytes -= entry.encoded.bytes;
    this.#groups.leave(entry.group);
  }

  #tell(entry: Entry, error: MillraceError): void {
    this.#lastError = error;
    if (entry.reject !== undefined) {
      entry.reject(error);
      return;
    }
    this.#options.hooks.onError?.(error, entry.encoded);
  }

  /** The first one, the tenth, the hundredth: an outage must not fill the log. */
  #log(count: number, what: string, error: MillraceError): void {
    if (!Number.isInteger(Math.log10(count))) return;
    this.#options.hooks.logger?.warn({ err: error, count }, `${this.#who}: messages ${what}`);
  }

  #queueFull(): MillraceError {
    const { overflow } = this.#options.values;
    const message = `${this.#who}: its queue is full and its overflow policy is ${overflow}`;
    return new MillraceError('QUEUE_FULL', message, { field: 'overflow', value: overflow });
  }
}

function cancelled(signal: AbortSignal): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted before the message was sent', { cause: signal.reason });
}
