import { toMillraceError } from '../../errors.ts';
import type { Logger } from '../../logging.ts';
import type { Publisher, PublisherDetails } from '../../publisher.ts';
import type { PublisherConfig } from '../create.ts';
import { SinkPublisher } from '../sink-publisher.ts';
import type { PreparedSink, Refusal } from '../sink.ts';
import { Children } from './children.ts';
import { Closing } from './closing.ts';
import { passedOn } from './passed-on.ts';
import type { PassedOn } from './passed-on.ts';
import { publisherWithoutUrl } from './standalone.ts';
import { startAll } from './start-all.ts';

export interface FanOutDetails extends PublisherDetails {
  readonly publisher_count: number;
  readonly publishers: Readonly<Record<string, PublisherDetails>>;
  /** Messages that a child refused or dropped while another one, or none, took them. */
  readonly child_errors: number;
}

/**
 * Publishes every message to all of its children. A child's error is logged and counted, and the others go on; a message
 * that every child refused is refused with the first one's error. A child that waits for its target lets the messages
 * behind wait too: give it `retry_max`, `after_retries` or `overflow` if it must not.
 *
 * Starting, suspending and closing it does the same with its children.
 *
 * @example
 * const everywhere = new FanOutPublisher('orders', [toKafka, toFile]);
 * await everywhere.start();
 * await everywhere.publish({ value: { total: 12 } });
 */
export class FanOutPublisher extends SinkPublisher {
  readonly #children: Broadcast;

  /** Takes the options of every publisher. @throws INVALID_ARGUMENT when two children share a name */
  constructor(name: string, publishers: readonly Publisher[], config: PublisherConfig = {}) {
    const children = new Broadcast(name, config.logger);
    for (const publisher of publishers) children.add(publisher);
    super(children, publisherWithoutUrl(name, 'fan-out', config));
    this.#children = children;
  }

  /** From now on it gets every message. It is started here unless this is not running yet. @throws INVALID_ARGUMENT */
  async add(publisher: Publisher): Promise<void> {
    this.#children.add(publisher);
    if (this.details().state === 'running') await publisher.start();
  }

  /** The caller closes it. Undefined when there is none of this name. */
  remove(name: string): Publisher | undefined {
    return this.#children.remove(name);
  }

  get(name: string): Publisher | undefined {
    return this.#children.get(name);
  }

  list(): string[] {
    return this.#children.list();
  }

  override suspend(): void {
    super.suspend();
    for (const child of this.#children.all()) child.suspend();
  }

  override resume(): void {
    for (const child of this.#children.all()) child.resume();
    super.resume();
  }

  override details(): FanOutDetails {
    return {
      ...super.details(),
      publisher_count: this.#children.size,
      publishers: this.#children.mapped((child) => child.details()),
      child_errors: this.#children.errors,
    };
  }

  override async close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#children.closing.by(options.deadlineMs);
    await super.close(options);
  }
}

/** The children as one target. */
class Broadcast extends Children<Publisher> implements PreparedSink<PassedOn> {
  readonly #who: string;
  readonly #logger: Logger | undefined;
  readonly closing = new Closing();
  errors = 0;

  constructor(name: string, logger: Logger | undefined) {
    super(`fan-out "${name}"`);
    this.#who = `fan-out "${name}"`;
    this.#logger = logger;
  }

  readonly encode = passedOn;

  async connect(): Promise<{ send: Broadcast['send']; close: () => Promise<void> }> {
    await startAll(this.all());
    return { send: (messages) => this.send(messages), close: () => this.closing.close(this.all()) };
  }

  async send(messages: readonly PassedOn[]): Promise<readonly Refusal[]> {
    const children = this.all();
    // Every call in the order of the messages, so that every child keeps it.
    const results = await Promise.all(
      messages.map(({ message }) => Promise.allSettled(children.map((child) => child.publish(message)))),
    );
    return results.flatMap((outcomes, index) => {
      const errors = outcomes.flatMap((outcome, at) => {
        if (outcome.status === 'fulfilled') return [];
        this.#failed(children[at]!.name, outcome.reason);
        return [toMillraceError(outcome.reason)];
      });
      return errors.length === children.length && errors.length > 0 ? [{ index, error: errors[0]! }] : [];
    });
  }

  #failed(child: string, err: unknown): void {
    this.errors++;
    this.#logger?.warn({ err, child }, `${this.#who}: a child has not taken a message`);
  }
}
