import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../errors.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message } from '../publisher.ts';
import type { NextOptions, Subscriber, SubscriberDetails } from '../subscriber.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { Tracked } from './acknowledgements.ts';
import { atMost } from './at-most.ts';
import { Connection } from './connection.ts';
import { Decoder } from './decoder.ts';
import { Inbox } from './inbox.ts';
import { FifoLane, PriorityLanes } from './lanes.ts';
import { clampPriority, LOWEST_PRIORITY, priorityFrom } from './priority.ts';
import type { PriorityExtractor } from './priority.ts';
import { RateMeter } from './rate-meter.ts';
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

interface Item {
  readonly message: Message;
  readonly priority: number;
  readonly tracked: Tracked | undefined;
}

/** So many at once: enough to make a request's own cost small. */
const MAX_RECEIVE = 1000;
const ACKNOWLEDGE_AT_CLOSE_MS = 5000;

/** The subscriber of every connector: a queue behind its source, delivery and acknowledgement. */
export class SourceSubscriber implements Subscriber {
  readonly name: string;
  readonly #options: SourceSubscriberOptions;
  readonly #onDemand: boolean;
  readonly #lifecycle: Lifecycle;
  readonly #connection: Connection<Source>;
  readonly #inbox: Inbox<Item>;
  readonly #decoder: Decoder;
  readonly #rate = new RateMeter();
  readonly #priorityOf: PriorityExtractor | undefined;
  readonly #who: string;
  /** Of the connection there is; undefined where the source needs none. */
  #acknowledgements: Acknowledgements | undefined;
  #acknowledgedBefore = 0;
  /** Given to the application by `next`, to be acknowledged when it asks again. */
  #givenAway: Tracked[] = [];
  readonly #trackedOf = new WeakMap<Message, Tracked>();
  #running: Promise<void> | undefined;
  #receiving: AbortController | undefined;
  #wake: (() => void) | undefined;
  #failure: MillraceError | undefined;
  #suspended = false;
  #frozen = false;
  #received = 0;
  #lastReceive: number | undefined;

  constructor(prepared: PreparedSource, options: SourceSubscriberOptions) {
    const { name, display, values, hooks } = options;
    this.name = name;
    this.#options = options;
    this.#onDemand = prepared.onDemand ?? false;
    this.#who = `subscriber "${name}"`;
    this.#lifecycle = new Lifecycle(this.#who);
    const byPriority = values.queueType === 'priority';
    this.#priorityOf = byPriority
      ? (hooks.priorityExtractor ?? priorityFrom(values.dagPriorityKey ?? '_dag_priority'))
      : undefined;
    this.#inbox = new Inbox<Item>(
      () => (byPriority ? new PriorityLanes() : new FifoLane()),
      () => this.#demandChanged(),
    );
    this.#decoder = new Decoder(values, name, display);
    this.#connection = new Connection({
      connect: (signal) => this.#connect(prepared, signal),
      backOff: { firstMs: values.retryBackoff, maxMs: values.retryMaxBackoff },
      who: this.#who,
      display,
      logger: hooks.logger,
    });
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
      this.#running = this.#run();
    });
  }

  async next({ timeoutMs, signal }: NextOptions = {}): Promise<Message | undefined> {
    const item = await this.#take(timeoutMs, signal);
    if (item?.tracked !== undefined && this.#options.values.ack === 'auto') this.#givenAway.push(item.tracked);
    return item?.message;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (let message = await this.next(); message !== undefined; message = await this.next()) yield message;
  }

  async subscribe(
    handler: (message: Message) => void | Promise<void>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const ends = (): boolean => signal?.aborted === true;
    while (!ends()) {
      const item = await this.#take(undefined, signal).catch((error: unknown) => {
        if (ends()) return undefined;
        throw error;
      });
      if (item === undefined) return;
      await handler(item.message);
      if (item.tracked !== undefined && this.#options.values.ack === 'auto') this.#done(item.tracked);
    }
  }

  acknowledge(message: Message): void {
    const tracked = this.#trackedOf.get(message);
    if (tracked !== undefined) this.#done(tracked);
  }

  suspend(): void {
    this.#suspended = true;
    this.#receiving?.abort();
  }

  resume(): void {
    this.#suspended = false;
    this.#stir();
  }

  freeze(): void {
    this.#frozen = true;
    this.#receiving?.abort();
  }

  unfreeze(): void {
    this.#frozen = false;
    this.#stir();
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
    const byPriority = this.#priorityOf !== undefined;
    return {
      name,
      source: display,
      state: this.#lifecycle.state,
      max_depth: values.maxDepth,
      current_depth: this.#inbox.length,
      last_receive: this.#lastReceive === undefined ? undefined : new Date(this.#lastReceive).toISOString(),
      receive_count: this.#received,
      rate_per_minute: this.#rate.perMinute(),
      peak_per_minute: this.#rate.peakPerMinute(),
      suspended: this.#suspended,
      frozen: this.#frozen,
      priority_queue_enabled: byPriority,
      priority_key: byPriority ? (values.dagPriorityKey ?? '_dag_priority') : undefined,
      auto_package_enabled: values.autoPackageNonDict,
      packaged_count: this.#decoder.packaged,
      package_wrapper_key: values.packageWrapperKey,
      acknowledged: this.#acknowledgedBefore + (this.#acknowledgements?.told ?? 0),
      unacknowledged: this.#unacknowledged(),
      reconnects: this.#connection.reconnects,
      consecutive_errors: this.#connection.consecutiveFailures,
      connected: this.#connection.connected,
      last_error: (this.#failure ?? this.#connection.lastError)?.message,
    };
  }

  async close(): Promise<void> {
    await this.#lifecycle.stop(async () => {
      this.#connection.end();
      this.#receiving?.abort();
      this.#stir();
      await this.#running;
      if (this.#acknowledgements !== undefined) {
        await atMost(ACKNOWLEDGE_AT_CLOSE_MS, this.#acknowledgements.settled());
        this.#forgetUnread();
      }
      await this.#connection.close();
      this.#inbox.end();
    });
    // Also when it had never started.
    this.#inbox.end();
  }

  async #connect(prepared: PreparedSource, signal: AbortSignal): Promise<Source> {
    const source = await prepared.connect(signal);
    if (source.acknowledge === undefined) return source;
    const acknowledgements = new Acknowledgements(source, (error) => {
      // The connection's own failure is met by the loop, which waits for its next message.
      if (this.#acknowledgements === acknowledgements) void this.#connectionFailed(error);
    });
    this.#acknowledgements = acknowledgements;
    return source;
  }

  async #run(): Promise<void> {
    const { signal } = this.#connection;
    while (!signal.aborted) {
      const room = this.#room();
      if (room <= 0) {
        await this.#idle();
        continue;
      }
      try {
        if (!(await this.#receive(room))) break;
      } catch (error) {
        if (signal.aborted) break;
        const failure = await this.#connectionFailed(error);
        if (!failure.retry) break;
        await this.#connection.pause();
      }
    }
    await this.#lastCall();
    if (!signal.aborted) this.#inbox.end();
  }

  /** False when the source has ended. */
  async #receive(room: number): Promise<boolean> {
    const source = await this.#connection.get();
    const receiving = new AbortController();
    this.#receiving = receiving;
    if (this.#connection.signal.aborted || this.#room() <= 0) return true;
    const received = await source.receive(Math.min(room, MAX_RECEIVE), receiving.signal);
    this.#receiving = undefined;
    if (received === undefined) return false;
    this.#connection.succeeded();
    this.#accept(received);
    if (received.length === 0 && !receiving.signal.aborted) await sleep(this.#options.values.idlePollInterval);
    return true;
  }

  /** At close: takes what the source holds for this subscriber alone, and could not give to another one. */
  async #lastCall(): Promise<void> {
    if (!this.#connection.signal.aborted || !this.#connection.connected || this.#acknowledgements !== undefined) return;
    try {
      const source = await this.#connection.get();
      const received = await source.receive(Number.MAX_SAFE_INTEGER, AbortSignal.abort());
      this.#accept(received ?? []);
    } catch (error) {
      this.#options.hooks.logger?.debug({ err: error }, `${this.#who}: nothing could be received at close`);
    }
  }

  #accept(received: readonly Received[]): void {
    if (received.length === 0) return;
    this.#lastReceive = Date.now();
    this.#received += received.length;
    this.#rate.add(received.length);
    for (const one of received) {
      const tracked = this.#acknowledgements?.track(one);
      const message = this.#decoder.decode(one);
      if (message === undefined) {
        if (tracked !== undefined) this.#done(tracked);
        continue;
      }
      if (tracked !== undefined) this.#trackedOf.set(message, tracked);
      const priority =
        this.#priorityOf === undefined ? LOWEST_PRIORITY : clampPriority(this.#priorityOf(message.value));
      this.#inbox.put({ message, priority, tracked });
      this.#notify(message);
    }
  }

  #notify(message: Message): void {
    try {
      this.#options.hooks.notify?.(message);
    } catch (error) {
      this.#options.hooks.logger?.error({ err: error }, `${this.#who}: its notify callback failed`);
    }
  }

  async #take(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<Item | undefined> {
    if (signal?.aborted === true) throw cancelled(signal);
    if (this.#givenAway.length > 0) this.#acknowledgeGivenAway();
    const item = this.#inbox.poll() ?? (await this.#wait(timeoutMs, signal));
    if (item !== undefined) return item;
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  async #wait(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<Item | undefined> {
    const { state } = this.#lifecycle;
    if (state === 'created' || state === 'starting') this.#lifecycle.assertRunning();
    const item = await this.#inbox.wait(timeoutMs, signal);
    if (item === undefined && signal?.aborted === true && this.isRunning()) throw cancelled(signal);
    return item;
  }

  #acknowledgeGivenAway(): void {
    const given = this.#givenAway;
    this.#givenAway = [];
    for (const tracked of given) this.#done(tracked);
  }

  #done(tracked: Tracked): void {
    this.#acknowledgements?.done(tracked);
    if (this.#options.values.ack === 'manual') this.#stir();
  }

  #unacknowledged(): number {
    return (this.#acknowledgements?.open ?? 0) - (this.#acknowledgements === undefined ? 0 : this.#inbox.length);
  }

  /** How many may be received now. */
  #room(): number {
    if (this.#suspended || this.#frozen) return 0;
    if (this.#onDemand) return this.#inbox.waiting;
    const { ack, maxDepth } = this.#options.values;
    return maxDepth - (ack === 'manual' ? (this.#acknowledgements?.open ?? this.#inbox.length) : this.#inbox.length);
  }

  #demandChanged(): void {
    if (this.#onDemand && this.#inbox.waiting === 0) this.#receiving?.abort();
    this.#stir();
  }

  async #connectionFailed(cause: unknown): Promise<MillraceError> {
    // What comes again must not be delivered twice without need.
    if (this.#acknowledgements !== undefined) this.#forgetUnread();
    const error = await this.#connection.failed(cause);
    if (!error.retry) {
      this.#failure ??= error;
      this.#lifecycle.fail(error);
    }
    return error;
  }

  #forgetUnread(): void {
    this.#received -= this.#inbox.clear();
    this.#acknowledgedBefore += this.#acknowledgements?.told ?? 0;
    this.#acknowledgements = undefined;
    this.#givenAway = [];
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function cancelled(signal: AbortSignal): MillraceError {
  return new MillraceError('CANCELLED', 'the signal aborted while waiting for a message', { cause: signal.reason });
}
