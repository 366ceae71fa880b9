import { MillraceError } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { SignalOption } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message, Publisher, PublisherDetails } from '../publisher.ts';
import { Admission } from './admission.ts';
import { atMost } from './at-most.ts';
import { Connection } from './connection.ts';
import { FifoLane, PriorityLanes } from './lanes.ts';
import { Ledger } from './ledger.ts';
import { Outbox } from './outbox.ts';
import type { Entry } from './outbox.ts';
import { priorityQueueOf } from './priority.ts';
import type { PriorityExtractor, PriorityQueue } from './priority.ts';
import type { PublisherValues } from './publisher-options.ts';
import { Release } from './release.ts';
import { Sender } from './sender.ts';
import type { Encoded, PreparedSink, Sink } from './sink.ts';

/** What an application hands to a publisher beside its options. */
export interface PublisherHooks {
  readonly logger?: Logger | undefined;
  /** Is told of every message that was accepted and then refused or dropped, where no `publish` rejects with it. */
  readonly onError?: ((error: MillraceError, message: Encoded) => void) | undefined;
  /**
   * Only messages for which it gives exactly true are published. May be asynchronous; order is kept. When it throws or
   * rejects, so does `publish`, with REFUSED.
   */
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
  /** While the target refuses the connection (a password that has changed), messages wait. Default: they are refused. */
  readonly patient?: boolean;
}

const DEFAULT_DEADLINE_MS = 30_000;
const DONE = Promise.resolve();

/** The publisher of every connector: a queue, a sender, and counters in front of its sink. */
export class SinkPublisher implements Publisher {
  readonly name: string;
  readonly #options: SinkPublisherOptions;
  readonly #lifecycle: Lifecycle;
  readonly #outbox: Outbox;
  readonly #connection: Connection<Sink<Encoded>>;
  readonly #sender: Sender;
  readonly #release: Release;
  readonly #ledger: Ledger;
  readonly #admission: Admission;
  readonly #priorityQueue: PriorityQueue | undefined;
  readonly #who: string;
  #suspended = false;

  constructor(prepared: PreparedSink<Encoded>, options: SinkPublisherOptions) {
    const { name, display, values, hooks } = options;
    this.name = name;
    this.#options = options;
    this.#who = `publisher "${name}"`;
    this.#lifecycle = new Lifecycle(this.#who);
    const { logger, onError, predicate, priorityExtractor } = hooks;
    this.#ledger = new Ledger({ who: this.#who, logger, onError });
    this.#priorityQueue = priorityQueueOf(values, priorityExtractor);
    const priorityOf = this.#priorityQueue?.priorityOf;
    this.#admission = new Admission(prepared, {
      who: this.#who,
      logger,
      keyField: values.keyField,
      priorityOf,
      predicate,
    });
    this.#outbox = new Outbox(
      { maxDepth: values.maxQueueDepth, maxBytes: values.maxQueueBytes, overflow: values.overflow },
      this.#priorityQueue === undefined ? new FifoLane() : new PriorityLanes(),
      (entry) => this.#ledger.dropped(entry, this.#queueFull()),
    );
    this.#connection = new Connection({
      connect: (signal) => prepared.connect(signal),
      backOff: { firstMs: values.retryBackoff, maxMs: values.retryMaxBackoff },
      who: this.#who,
      display,
      logger,
    });
    const pace = { intervalMs: values.publishInterval, batchSize: values.batchSize };
    this.#release = new Release(pace, this.#outbox, () => this.#sender.wake());
    const afterRetries = values.afterRetries ?? (values.resilient ? 'buffer' : 'refuse');
    this.#sender = new Sender(
      this.#outbox,
      this.#connection,
      this.#ledger,
      {
        maxBatch: Math.min(values.maxBatch, prepared.maxBatch ?? values.maxBatch),
        maxAttempts: maxAttemptsOf(values) ?? Infinity,
        patient: options.patient ?? false,
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
      await this.#connection.open();
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
    await this.#admission.settled();
    this.#release.all();
    await this.settled();
  }

  /** As `flush`, without sending anything sooner. */
  async settled(): Promise<void> {
    await this.#ledger.settled();
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
      left = await this.#disconnect((entry) => this.#ledger.dropped(entry, error));
    });
    if (left === 0) return;
    const what = left === 1 ? '1 message was' : `${left} messages were`;
    const message = `${this.#who} was closed: ${what} not sent within ${deadlineMs} ms`;
    throw new MillraceError('TIMEOUT', message, { field: 'deadlineMs', value: deadlineMs });
  }

  /** Disconnects at once. What is queued is forgotten: it is kept elsewhere, and neither counted nor told. */
  async abandon(): Promise<void> {
    await this.#lifecycle.stop(async () => {
      await this.#disconnect((entry) => this.#ledger.forgotten(entry));
    });
  }

  isRunning(): boolean {
    return this.#lifecycle.state === 'running';
  }

  details(): PublisherDetails {
    const { values, name, display } = this.#options;
    const ledger = this.#ledger;
    return {
      name,
      destination: display,
      state: this.#lifecycle.state,
      publish_interval: values.publishInterval / 1000,
      batch_size: values.batchSize,
      max_queue_depth: values.maxQueueDepth,
      priority_queue_enabled: this.#priorityQueue !== undefined,
      priority_key: this.#priorityQueue?.key,
      last_publish: ledger.lastPublish === undefined ? undefined : new Date(ledger.lastPublish).toISOString(),
      publish_count: ledger.publishedCount,
      queue_depth: ledger.queued,
      queue_bytes: ledger.queuedBytes,
      offered: ledger.offeredCount,
      refused: ledger.refusedCount,
      dropped: ledger.droppedCount,
      filtered: this.#admission.filtered,
      skipped: this.#admission.skipped,
      retries: this.#connection.failures,
      reconnects: this.#connection.reconnects,
      connected: this.#connection.connected,
      suspended: this.#suspended,
      resilient: values.resilient,
      retry_max: maxAttemptsOf(values),
      outage_buffer_depth: this.#sender.outage,
      wal_bytes: undefined,
      last_error: this.#lastError?.message,
    };
  }

  get #lastError(): MillraceError | undefined {
    const [first, second] = [this.#ledger, this.#connection];
    const newest = first.lastErrorAt >= second.lastErrorAt ? first : second;
    // A start that failed has no time.
    return newest.lastError ?? second.lastError;
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

  #guarded(message: Message, untilRoom: boolean, signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#lifecycle.assertRunning();
      if (signal?.aborted === true) throw cancelled(signal);
      return this.#admission.admit(message, (encoded, priority) => {
        // Decided on after the end: nobody would send it, nor say so.
        if (this.#connection.signal.aborted) this.#lifecycle.assertRunning();
        return this.#offer(encoded, priority, untilRoom, signal);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #offer(encoded: Encoded, priority: number, untilRoom: boolean, signal: AbortSignal | undefined): Promise<void> {
    const entry = this.#ledger.offered(encoded, priority);
    let promise = untilRoom ? DONE : promiseOf(entry);
    const waits = this.#outbox.waiting;
    if (!this.#outbox.offer(entry)) {
      this.#ledger.dropped(entry, this.#queueFull());
      return promise;
    }
    this.#release.offered();
    this.#sender.wake();
    if (untilRoom) {
      if (this.#outbox.waiting === waits) return DONE;
      entry.untilRoom = true;
      promise = promiseOf(entry);
    }
    return signal === undefined ? promise : this.#cancellable(entry, promise, signal);
  }

  async #cancellable(entry: Entry, promise: Promise<void>, signal: AbortSignal): Promise<void> {
    const withdraw = (): void => {
      if (entry.settled || entry.reject === undefined) return;
      this.#ledger.refused(entry, cancelled(signal));
      this.#outbox.withdrawn();
    };
    signal.addEventListener('abort', withdraw, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }

  #queueFull(): MillraceError {
    const { overflow } = this.#options.values;
    const message = `${this.#who}: its queue is full and its overflow policy is ${overflow}`;
    return new MillraceError('QUEUE_FULL', message, { field: 'overflow', value: overflow });
  }
}

/** Undefined for unlimited. */
const maxAttemptsOf = ({ retryMax, resilient }: PublisherValues): number | undefined =>
  retryMax ?? (resilient ? 5 : undefined);

const promiseOf = (entry: Entry): Promise<void> =>
  new Promise<void>((resolve, reject) => {
    entry.resolve = resolve;
    entry.reject = reject;
  });

function cancelled(signal: AbortSignal): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted before the message was sent', { cause: signal.reason });
}
