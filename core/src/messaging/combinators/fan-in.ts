import type { Logger } from '../../logging.ts';
import type { Message } from '../../publisher.ts';
import type { Subscriber, SubscriberDetails } from '../../subscriber.ts';
import type { SubscriberConfig } from '../create.ts';
import { SourceSubscriber } from '../source-subscriber.ts';
import type { PreparedSource, Received, Source } from '../source.ts';
import { Arrival } from '../arrival.ts';
import { Children } from './children.ts';
import { Feed } from './feed.ts';
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

/**
 * Receives from several subscribers as one. A message is acknowledged to the child that it came from, as with any
 * subscriber. Starting, suspending, freezing and closing it does the same with its children. A child that fails or ends
 * is left behind, and its state stands in `details()`; when all have ended, so has this one.
 *
 * At most one message per child is received ahead of the application, more of children with `ack` manual. On closing,
 * a message received ahead comes again where its child's source can do that; freeze and drain first where it cannot.
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
    const children = new Merge(name, config.logger);
    for (const subscriber of subscribers) children.add(subscriber);
    super(children, subscriberWithoutUrl(name, 'fan-in', config));
    this.#children = children;
  }

  /** It is started here unless this is not running yet. @throws INVALID_ARGUMENT */
  async add(subscriber: Subscriber): Promise<void> {
    this.#children.add(subscriber);
    if (!this.isRunning()) return;
    await subscriber.start();
    this.#children.feed(subscriber);
  }

  /** Receives no more from it. The caller closes it. Undefined when there is none of this name. */
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
  readonly onDemand = true;
  readonly #who: string;
  readonly #logger: Logger | undefined;
  readonly #feeds = new Map<Subscriber, Feed>();
  /** Whose message it is. */
  readonly #feedOf = new WeakMap<Received, Feed>();
  /** The child that is asked first, so that a busy one does not starve the others. */
  #turn = 0;
  readonly #arrival = new Arrival();

  constructor(name: string, logger: Logger | undefined) {
    super(`fan-in "${name}"`);
    this.#who = `fan-in "${name}"`;
    this.#logger = logger;
  }

  feed(child: Subscriber): void {
    const feed = new Feed(
      child,
      () => this.#arrival.tell(),
      (err) => this.#logger?.error({ err, child: child.name }, `${this.#who}: a child has failed`),
    );
    this.#feeds.set(child, feed);
    void feed.run();
  }

  override remove(name: string): Subscriber | undefined {
    const child = super.remove(name);
    if (child !== undefined) this.#feeds.get(child)?.stop();
    return child;
  }

  async connect(): Promise<Source> {
    await startAll(this.all());
    for (const child of this.all()) this.feed(child);
    return {
      receive: (max, signal) => this.#receive(max, signal),
      acknowledge: async (received) => this.#acknowledge(received),
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

  #take(max: number): Received[] {
    const feeds = [...this.#feeds.values()];
    const received: Received[] = [];
    for (const [at] of feeds.entries()) {
      const feed = feeds[(at + this.#turn) % feeds.length]!;
      for (const message of feed.take(max - received.length)) {
        const one = receivedOf(message);
        this.#feedOf.set(one, feed);
        received.push(one);
      }
    }
    this.#turn++;
    return received;
  }

  #acknowledge(received: readonly Received[]): void {
    for (const one of received) this.#feedOf.get(one)?.acknowledge(one.token as Message);
  }

  async #close(): Promise<void> {
    for (const feed of this.#feeds.values()) feed.stop();
    await Promise.all(this.all().map((child) => child.close()));
  }
}

const receivedOf = (message: Message): Received => ({ ...message, body: '', token: message });
