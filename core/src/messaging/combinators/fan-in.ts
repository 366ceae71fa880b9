import type { Logger } from '../../logging.ts';
import type { Subscriber, SubscriberDetails } from '../../subscriber.ts';
import type { SubscriberConfig } from '../create.ts';
import { SourceSubscriber } from '../source-subscriber.ts';
import type { PreparedSource, Received, Source } from '../source.ts';
import { Arrival } from '../arrival.ts';
import { Children } from './children.ts';
import { Feed } from './feed.ts';
import type { FromChild } from './feed.ts';
import { subscriberWithoutUrl } from './standalone.ts';
import { startAll } from './start-all.ts';

export interface FanInDetails extends SubscriberDetails {
  readonly subscriber_count: number;
  readonly subscribers: Readonly<Record<string, SubscriberDetails>>;
}

export interface FanInStatus {
  readonly total: number;
  readonly suspended: number;
  readonly active: number;
}

/** Of each child with manual acknowledgement, unless `max_depth` says otherwise. */
const AHEAD = 1000;

/**
 * Receives from several subscribers as one. A message is acknowledged to the child that it came from, as with any
 * subscriber. Starting, suspending, freezing and closing it does the same with its children. A child that fails or ends
 * is left behind, and its state stands in `details()`; when all have ended, so has this one.
 *
 * At most one message per child is received ahead of the application; of children with `ack` manual `max_depth`, 1,000
 * by default. On closing, what was received ahead comes again where its child's source can do that; freeze and drain
 * first where it cannot.
 *
 * @example
 * const orders = new FanInSubscriber('orders', [fromKafka, fromFile]);
 * await orders.start();
 * for await (const { value } of orders) console.log(value);
 */
export class FanInSubscriber extends SourceSubscriber {
  readonly #children: Merge;

  /** Takes the options of every subscriber. @throws INVALID_ARGUMENT when two children share a name */
  constructor(name: string, subscribers: readonly Subscriber[], config: SubscriberConfig = {}) {
    const options = subscriberWithoutUrl(name, 'fan-in', { maxDepth: AHEAD, ...config });
    const children = new Merge(name, options.values.maxDepth, config.logger);
    for (const subscriber of subscribers) children.add(subscriber);
    super(children, options);
    this.#children = children;
  }

  /** It is started here unless this is not running yet. @throws INVALID_ARGUMENT */
  async add(subscriber: Subscriber): Promise<void> {
    this.#children.add(subscriber);
    if (!this.isRunning()) return;
    await subscriber.start();
    this.#children.feed(subscriber);
  }

  /**
   * Receives no more from it; what it had given can still be read and acknowledged. The caller closes it. Undefined when
   * there is none of this name.
   */
  remove(name: string): Subscriber | undefined {
    return this.#children.remove(name);
  }

  get(name: string): Subscriber | undefined {
    return this.#children.get(name);
  }

  list(): string[] {
    return this.#children.list();
  }

  /** Messages received by the children. */
  getTotalReceiveCount(): number {
    return this.#children.all().reduce((sum, child) => sum + child.getMessageCount(), 0);
  }

  getSubscriberStatus(): FanInStatus {
    const all = this.#children.all().map((child) => child.details());
    const suspended = all.filter((details) => details.suspended).length;
    return { total: all.length, suspended, active: all.filter(({ state }) => state === 'running').length - suspended };
  }

  override suspend(): void {
    super.suspend();
    for (const child of this.#children.all()) child.suspend();
  }

  override resume(): void {
    for (const child of this.#children.all()) child.resume();
    super.resume();
  }

  override freeze(): void {
    // What the children have received is for reading: only they stop.
    for (const child of this.#children.all()) child.freeze();
  }

  override unfreeze(): void {
    for (const child of this.#children.all()) child.unfreeze();
  }

  override isFrozen(): boolean {
    const all = this.#children.all();
    return all.length > 0 && all.every((child) => child.isFrozen());
  }

  override details(): FanInDetails {
    return {
      ...super.details(),
      frozen: this.isFrozen(),
      subscriber_count: this.#children.size,
      subscribers: this.#children.mapped((child) => child.details()),
    };
  }
}

/** The children as one source. */
class Merge extends Children<Subscriber> implements PreparedSource {
  readonly #who: string;
  readonly #maxDepth: number;
  readonly #logger: Logger | undefined;
  readonly #feeds = new Map<Subscriber, Feed>();
  /** The child that is asked first, so that a busy one does not starve the others. */
  #turn = 0;
  readonly #arrival = new Arrival();

  constructor(name: string, maxDepth: number, logger: Logger | undefined) {
    super(`fan-in "${name}"`);
    this.#who = `fan-in "${name}"`;
    this.#maxDepth = maxDepth;
    this.#logger = logger;
  }

  feed(child: Subscriber): void {
    const feed = new Feed(child, {
      maxDepth: this.#maxDepth,
      changed: () => this.#arrival.tell(),
      failed: (err) => this.#logger?.error({ err, child: child.name }, `${this.#who}: a child has failed`),
    });
    this.#feeds.set(child, feed);
    void feed.run();
  }

  override remove(name: string): Subscriber | undefined {
    const child = super.remove(name);
    if (child !== undefined) this.#feeds.get(child)?.stop();
    this.#arrival.tell();
    return child;
  }

  async connect(): Promise<Source> {
    await startAll(this.all());
    for (const child of this.all()) this.feed(child);
    return {
      receive: (max, signal) => this.#receive(max, signal),
      // What it gets is what it gave.
      acknowledge: async (received) => {
        for (const one of received as readonly FromChild[]) one.feed.acknowledge(one);
      },
      close: () => this.#close(),
    };
  }

  async #receive(max: number, signal: AbortSignal): Promise<readonly Received[] | undefined> {
    const received = this.#take(max);
    if (received.length > 0) return received;
    if (this.#feeds.size > 0 && [...this.#feeds.values()].every((feed) => feed.ended)) return undefined;
    await this.#arrival.wait(signal);
    return this.#take(max);
  }

  /** One of each in turn. */
  #take(max: number): Received[] {
    for (const [child, feed] of this.#feeds) if (feed.isSpent) this.#feeds.delete(child);
    const received: Received[] = [];
    const busy = [...this.#feeds.values()].filter(({ ready }) => ready > 0);
    while (busy.length > 0 && received.length < max) {
      const at = this.#turn++ % busy.length;
      received.push(busy[at]!.take());
      if (busy[at]!.ready === 0) busy.splice(at, 1);
    }
    return received;
  }

  async #close(): Promise<void> {
    for (const feed of this.#feeds.values()) feed.abandon();
    await Promise.all(this.all().map((child) => child.close()));
  }
}
