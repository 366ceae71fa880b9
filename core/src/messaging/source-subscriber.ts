import type { MillraceError } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message } from '../publisher.ts';
import type { NextOptions, Subscriber, SubscriberDetails } from '../subscriber.ts';
import { Ahead } from './ahead.ts';
import type { Held } from './ahead.ts';
import { atMost } from './at-most.ts';
import { Connection } from './connection.ts';
import { Decoder } from './decoder.ts';
import { Delivery } from './delivery.ts';
import { Inbox } from './inbox.ts';
import { Intake } from './intake.ts';
import { FifoLane, PriorityLanes } from './lanes.ts';
import { priorityQueueOf } from './priority.ts';
import type { PriorityExtractor, PriorityQueue } from './priority.ts';
import { Receipts } from './receipts.ts';
import type { Item } from './receipts.ts';
import { Reception } from './reception.ts';
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

/** How long closing waits for each: the source to notice it, handlers to end, and the last acknowledgements. */
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
  readonly #reception: Reception;
  readonly #delivery: Delivery;
  readonly #priorityQueue: PriorityQueue | undefined;
  readonly #who: string;
  readonly #receipts: Receipts;
  #running: Promise<void> | undefined;
  #failure: MillraceError | undefined;
  #suspended = false;
  #frozen = false;

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
    this.#reception = new Reception({
      who: this.#who,
      logger: hooks.logger,
      notify: hooks.notify,
      priorityOf: this.#priorityQueue?.priorityOf,
      decoder: new Decoder(values, name, display),
      inbox: this.#inbox,
      receipts: this.#receipts,
      ahead: this.#ahead,
    });
    this.#delivery = new Delivery({
      lifecycle: this.#lifecycle,
      inbox: this.#inbox,
      receipts: this.#receipts,
      automatic: values.ack === 'auto',
      failure: () => this.#failure,
    });
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
        accept: (received) => this.#reception.accept(received),
        failed: (error) => this.#connectionFailed(error),
        ended: () => this.#inbox.end(),
      },
      values.idlePollInterval,
    );
  }

  async start(): Promise<void> {
    await this.#lifecycle.start(async () => {
      await this.#connection.open();
      this.#running = this.#intake.run();
    });
  }

  next(options: NextOptions = {}): Promise<Message | undefined> {
    return this.#delivery.next(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#delivery.iterator();
  }

  subscribe(
    handler: (message: Message) => void | Promise<void>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    return this.#delivery.subscribe(handler, options);
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
    return this.#reception.received;
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
      ...this.#reception.details(),
      suspended: this.#suspended,
      frozen: this.#frozen,
      priority_queue_enabled: this.#priorityQueue !== undefined,
      priority_key: this.#priorityQueue?.key,
      auto_package_enabled: values.autoPackageNonDict,
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
      // Nobody is given any more of what comes again.
      if (this.#receipts.needed) {
        this.#reception.takeUnread();
        this.#inbox.end();
      }
      if (this.#running !== undefined) await atMost(CLOSE_MS, this.#running);
      this.#inbox.end();
      await atMost(CLOSE_MS, this.#delivery.handled());
      await atMost(CLOSE_MS, this.#receipts.settled());
      this.#forgetUnread();
      await this.#connection.close();
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
    this.#reception.takeUnread();
    this.#receipts.abandon();
  }

  #recall(): Received[] {
    const recalled = this.#receipts.recall(this.#reception.takeUnread());
    this.#roomChanged();
    return recalled;
  }
}
