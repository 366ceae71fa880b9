import type { JsonValue, Message } from '../../publisher.ts';
import { Arrival } from '../arrival.ts';
import type { PublisherConfig, SubscriberConfig } from '../create.ts';
import { messageFrom } from '../payload.ts';
import { SinkPublisher } from '../sink-publisher.ts';
import type { PreparedSink } from '../sink.ts';
import { SourceSubscriber } from '../source-subscriber.ts';
import type { PreparedSource, Received } from '../source.ts';
import { passedOn } from './passed-on.ts';
import type { PassedOn } from './passed-on.ts';
import { publisherWithoutUrl, subscriberWithoutUrl } from './standalone.ts';

/**
 * For tests: keeps what is published.
 *
 * @example
 * const holder = new HolderPublisher('orders');
 * await holder.start();
 * await placeOrder(holder);
 * expect(holder.findMessages(({ key }) => key === 'order-1')).toHaveLength(1);
 */
export class HolderPublisher extends SinkPublisher {
  readonly #held: Message[];

  /** Takes the options of every publisher. */
  constructor(name: string, config: PublisherConfig = {}) {
    const held: Message[] = [];
    super(holdingSink(held), publisherWithoutUrl(name, 'holder', config));
    this.#held = held;
  }

  getPublishedMessages(): Message[] {
    return [...this.#held];
  }

  findMessages(matches: (message: Message) => boolean): Message[] {
    return this.#held.filter(matches);
  }

  /** The oldest message, which stays. */
  peek(): Message | undefined {
    return this.#held[0];
  }

  /** Forgets what it holds; returns how many those were. */
  clear(): number {
    return this.#held.splice(0).length;
  }
}

const holdingSink = (held: Message[]): PreparedSink<PassedOn> => ({
  encode: passedOn,
  connect: async () => ({
    async send(messages) {
      for (const { message } of messages) held.push(message);
      return [];
    },
    close: async () => {},
  }),
});

/** For tests: receives what it was given. */
export class HolderSubscriber extends SourceSubscriber {
  readonly #holding: Holding;

  /** Takes the options of every subscriber. */
  constructor(name: string, config: SubscriberConfig = {}) {
    const holding = new Holding();
    super(holding, subscriberWithoutUrl(name, 'holder', config));
    this.#holding = holding;
  }

  /** A value with its key in the field `__dagserver_key`, if it has one. */
  addData(value: JsonValue): void {
    this.#holding.add([messageFrom(value)]);
  }

  addDataBatch(values: readonly JsonValue[]): void {
    this.#holding.add(values.map((value) => messageFrom(value)));
  }

  /** The oldest message that has not been asked for. It stays. */
  peek(): Message | undefined {
    return this.#holding.messages[0];
  }

  /** Forgets what has not been asked for; returns how many those were. */
  clear(): number {
    return this.#holding.messages.splice(0).length;
  }
}

class Holding implements PreparedSource {
  readonly onDemand = true;
  readonly messages: Message[] = [];
  readonly #arrival = new Arrival();

  add(given: readonly Message[]): void {
    for (const message of given) this.messages.push(passedOn(message).message);
    this.#arrival.tell();
  }

  async connect(): Promise<{ receive: Holding['receive']; close: () => Promise<void> }> {
    return { receive: (max, signal) => this.receive(max, signal), close: async () => {} };
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.messages.length === 0) await this.#arrival.wait(signal);
    return signal.aborted ? [] : this.messages.splice(0, max).map((message) => ({ ...message, body: '' }));
  }
}
