import { hasCode, MillraceError } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message } from '../publisher.ts';
import type { NextOptions, Subscriber, SubscriberDetails } from '../subscriber.ts';
import { Ahead, bytesOf } from './ahead.ts';
import type { Held } from './ahead.ts';
import { atMost } from './at-most.ts';
import { Connection } from './connection.ts';
import { Decoder } from './decoder.ts';
import { hookFailed, isWorthALine } from './hooks.ts';
import { Inbox } from './inbox.ts';
import { Intake } from './intake.ts';
import { FifoLane, PriorityLanes } from './lanes.ts';
import { clampPriority, LOWEST_PRIORITY, priorityQueueOf } from './priority.ts';
import type { PriorityExtractor, PriorityQueue } from './priority.ts';
import { RateMeter } from './rate-meter.ts';
import { Receipts } from './receipts.ts';
import type { Item } from './receipts.ts';
import type { PreparedSource, Received, Source } from './source.ts';
import type { SubscriberValues } from './subscriber-options.ts';

/** What an application hands to a subscriber beside its options. */
export interface SubscriberHooks {
  readonly logger?: Logger | undefined;
  /** Called after each message that was received. */
  readonly notify?: ((message: Message) => void) | undefined;
  /** Instead of reading a field of the value. */
  readonly priorityExtractor?: PriorityExtractor | undefined;
}

export interface SourceSubscriberOptions {
  readonly name: string;
  /** The source without its password. */
  readonly display: string;
  readonly values: SubscriberValues;
  readonly hooks: SubscriberHooks;
}

/** How long a source may take to notice that it is closed, and to take the last acknowledgements. */
const CLOSE_MS = 5000;

/** The subscriber of every connector: a queue behind its source, delivery and acknowledgement. */
export class SourceSubscriber implements Subscriber {
  readonly name: string;
  readonly #options: SourceSubscriberOptions;
  readonly #onDemand: boolean;
  readonly #lifecycle: Lifecycle;
  readonly #connection: Connection<Source>;
  readonly #inbox: Inbox<Item>;
  readonly #intake: Intake;
  readonly #ahead: Ahead;
  readonly #decoder: Decoder;
  readonly #rate = new RateMeter();
  readonly #priorityQueue: PriorityQueue | undefined;
  readonly #who: string;
  readonly #receipts: Receipts;
  #running: Promise<void> | undefined;
  #failure: MillraceError | undefined;
  #suspended = false;
  #frozen = false;
  #received = 0;
  /** Their priority could not be read. */
  #withoutPriority = 0;
  #lastReceive: number | undefined;

  constructor(prepared: PreparedSource, options: SourceSubscriberOptions) {
    const { name, display, values, hooks } = options;
    this.name = name;
    this.#options = options;
    this.#onDemand = prepared.onDemand ?? false;
    this.#who = `subscriber "${name}"`;
    this.#lifecycle = new Lifecycle(this.#who);
    this.#priorityQueue = priorityQueueOf(values, hooks.priorityExtractor);
    this.#receipts = new Receipts({
      ack: values.ack,
      failed: (error) => void this.#connectionFailed(error),
      freed: () => this.#roomChanged(),
    });
    this.#inbox = new Inbox<Item>(
      () => (this.#priorityQueue === undefined ? new FifoLane() : new PriorityLanes()),
      () => this.#demandChanged(),
    );
    this.#ahead = new Ahead(prepared.maxDepth ?? values.maxDepth, values.maxDepthBytes);
    this.#decoder = new Decoder(values, name, display);
    this.#connection = new Connection({
      connect: (signal) => this.#connect(prepared, signal),
      backOff: { firstMs: values.retryBackoff, maxMs: values.retryMaxBackoff },
      who: this.#who,
      display,
      logger: hooks.logger,
    });
    this.#intake = new Intake(
      this.#connection,
      {
        room: () => this.#room(),
        accept: (received) => this.#accept(received),
        failed: (error) => this.#connectionFailed(error),
        ended: () => this.#inbox.end(),
      },
      values.idlePollInterval,
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
      this.#running = this.#intake.run();
    });
  }

  next({ timeoutMs, signal }: NextOptions = {}): Promise<Message | undefined> {
    if (signal?.aborted === true) return Promise.reject(cancelled(signal));
    this.#receipts.returned();
    const item = this.#inbox.poll();
    if (item === undefined) return this.#wait(timeoutMs, signal).then((late) => this.#give(late));
    return Promise.resolve(this.#give(item));
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
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
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const automatic = this.#options.values.ack === 'auto';
    for (;;) {
      if (signal?.aborted === true) return;
      const item = this.#inbox.poll() ?? (await this.#waitUntil(signal));
      if (item === undefined) return;
      const handled = handler(item.message);
      if (handled !== undefined) await handled;
      if (automatic) this.#receipts.done(item);
    }
  }

  acknowledge(message: Message): void {
    this.#receipts.acknowledge(message);
  }

  suspend(): void {
    this.#suspended = true;
    this.#intake.interrupt();
  }

  resume(): void {
    this.#suspended = false;
    this.#intake.stir();
  }

  freeze(): void {
    this.#frozen = true;
    this.#intake.interrupt();
  }

  unfreeze(): void {
    this.#frozen = false;
    this.#intake.stir();
  }

  isFrozen(): boolean {
    return this.#frozen;
  }

  isRunning(): boolean {
    return this.#lifecycle.state === 'running';
  }

  getMessageCount(): number {
    return this.#received;
  }

  details(): SubscriberDetails {
    const { name, display, values } = this.#options;
    return {
      name,
      source: display,
      state: this.#lifecycle.state,
      max_depth: this.#ahead.maxDepth,
      ack: values.ack,
      current_depth: this.#inbox.length,
      current_depth_bytes: this.#inbox.bytes,
      last_receive: this.#lastReceive === undefined ? undefined : new Date(this.#lastReceive).toISOString(),
      receive_count: this.#received,
      rate_per_minute: this.#rate.perMinute(),
      peak_per_minute: this.#rate.peakPerMinute(),
      suspended: this.#suspended,
      frozen: this.#frozen,
      priority_queue_enabled: this.#priorityQueue !== undefined,
      priority_key: this.#priorityQueue?.key,
      priority_errors: this.#withoutPriority,
      auto_package_enabled: values.autoPackageNonDict,
      packaged_count: this.#decoder.packaged,
      package_wrapper_key: values.packageWrapperKey,
      acknowledged: this.#receipts.told,
      unacknowledged: this.#receipts.needed ? this.#receipts.open - this.#inbox.length : 0,
      reconnects: this.#connection.reconnects,
      consecutive_errors: this.#connection.consecutiveFailures,
      connected: this.#connection.connected,
      last_error: (this.#failure ?? this.#connection.lastError)?.message,
    };
  }

  async close(): Promise<void> {
    if (this.#lifecycle.state === 'starting') this.#connection.end();
    await this.#lifecycle.stop(async () => {
      this.#connection.end();
      this.#intake.interrupt();
      this.#intake.stir();
      if (this.#running !== undefined) await atMost(CLOSE_MS, this.#running);
      await atMost(CLOSE_MS, this.#receipts.settled());
      this.#forgetUnread();
      await this.#connection.close();
      this.#inbox.end();
    });
    // Also when it had never started.
    this.#inbox.end();
  }

  async #connect(prepared: PreparedSource, signal: AbortSignal): Promise<Source> {
    const source = await prepared.connect(signal);
    this.#receipts.connected(source);
    source.recallable?.(() => this.#recall());
    return source;
  }

  #accept(received: readonly Received[]): void {
    this.#lastReceive = Date.now();
    this.#received += received.length;
    this.#rate.add(received.length);
    let bytes = 0;
    for (const one of received) {
      const size = bytesOf(one);
      bytes += size;
      const message = this.#decoder.decode(one);
      if (message === undefined) this.#receipts.skip(one);
      else this.#deliver(one, size, message);
    }
    this.#ahead.came(received.length, bytes);
  }

  #deliver(received: Received, bytes: number, message: Message): void {
    const item: Item = { message, priority: this.#priorityFor(message), received, bytes, done: false };
    this.#receipts.track(item);
    this.#inbox.put(item);
    if (this.#options.hooks.notify !== undefined) this.#notify(message, this.#options.hooks.notify);
  }

  #priorityFor({ value }: Message): number {
    if (this.#priorityQueue === undefined) return LOWEST_PRIORITY;
    try {
      return clampPriority(this.#priorityQueue.priorityOf(value));
    } catch (cause) {
      // As a value without a priority: it is delivered, and nothing behind it waits.
      const err = hookFailed(this.#who, 'priorityExtractor', cause);
      const count = ++this.#withoutPriority;
      if (isWorthALine(count)) this.#options.hooks.logger?.error({ err, count }, err.message);
      return LOWEST_PRIORITY;
    }
  }

  #notify(message: Message, notify: (message: Message) => void): void {
    try {
      notify(message);
    } catch (error) {
      this.#options.hooks.logger?.error({ err: error }, `${this.#who}: its notify callback failed`);
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
    if (this.#failure !== undefined) throw this.#failure;
    if (signal?.aborted === true && this.isRunning()) throw cancelled(signal);
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

  /** How many may be received now. */
  #room(): number {
    if (this.#suspended || this.#frozen) return 0;
    if (this.#onDemand) return this.#inbox.waiting;
    return this.#ahead.room(this.#held());
  }

  #held(): Held {
    return this.#receipts.held ?? { messages: this.#inbox.length, bytes: this.#inbox.bytes };
  }

  #demandChanged(): void {
    if (this.#onDemand && this.#inbox.waiting === 0) this.#intake.interrupt();
    this.#roomChanged();
  }

  #roomChanged(): void {
    if (!this.#intake.idle) return;
    if (this.#inbox.waiting > 0 || this.#ahead.isHalfFree(this.#held())) this.#intake.stir();
  }

  async #connectionFailed(cause: unknown): Promise<MillraceError> {
    // What comes again must not be delivered twice without need.
    this.#forgetUnread();
    const error = await this.#connection.failed(cause);
    if (!error.retry && !this.#connection.signal.aborted) await this.#fail(error);
    this.#roomChanged();
    return error;
  }

  /** For good. What would not come again can still be read; then the error follows. */
  async #fail(error: MillraceError): Promise<void> {
    this.#failure = error;
    this.#lifecycle.fail(error);
    this.#connection.end();
    this.#intake.interrupt();
    this.#intake.stir();
    // At once: what was not acknowledged is for the other members of its group.
    await this.#connection.close();
    this.#inbox.end();
  }

  /** Where it comes again. */
  #forgetUnread(): void {
    if (!this.#receipts.needed) return;
    this.#takeUnread();
    this.#receipts.abandon();
  }

  #recall(): Received[] {
    const recalled = this.#receipts.recall(this.#takeUnread());
    this.#roomChanged();
    return recalled;
  }

  /** What the application has not got counts when it comes again. */
  #takeUnread(): Item[] {
    const unread = [...this.#inbox.drain()];
    this.#received -= unread.length;
    return unread;
  }
}

const resultOf = (value: Message | undefined): IteratorResult<Message, undefined> =>
  value === undefined ? { done: true, value } : { done: false, value };

function cancelled(signal: AbortSignal): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted while waiting for a message', { cause: signal.reason });
}
