import { MillraceError, toMillraceError } from '../../errors.ts';
import type { Message, Publisher, PublisherDetails } from '../../publisher.ts';
import type { PublisherConfig } from '../create.ts';
import { SinkPublisher } from '../sink-publisher.ts';
import type { PreparedSink, Refusal } from '../sink.ts';
import { Closing } from './closing.ts';
import { DeadLetterFile } from './dead-letter-file.ts';
import { passedOn } from './passed-on.ts';
import type { PassedOn } from './passed-on.ts';
import { publisherWithoutUrl } from './standalone.ts';
import { startAll } from './start-all.ts';

/** Names the route of a message. May be asynchronous. */
export type RouteResolver = (message: Message) => string | undefined | Promise<string | undefined>;

export interface RouterOptions {
  readonly routes: Readonly<Record<string, Publisher>>;
  readonly resolver: RouteResolver;
  /** JSON lines of the messages whose key has no route. Default: `unrouted_pub_<name>.jsonl` in the working directory. */
  readonly deadLetters?: string;
}

export interface RouterDetails extends PublisherDetails {
  readonly publisher_count: number;
  readonly publishers: Readonly<Record<string, PublisherDetails>>;
  readonly routed_count: number;
  /** Written to the dead letters. */
  readonly unrouted_count: number;
  /** The resolver failed, or the route refused the message. */
  readonly error_count: number;
  /** Share of the messages that were routed, in percent; 100 before the first one. */
  readonly routing_efficiency: number;
}

/**
 * Publishes each message to the child that its content names. A message whose key has no route goes to a file of dead
 * letters, and counts as published once it is there; one whose resolver throws is refused.
 *
 * Starting, suspending and closing it does the same with its children.
 *
 * @example
 * const router = new RouterPublisher('orders', {
 *   resolver: ({ value }) => (value as { country: string }).country,
 *   routes: { PL: toWarsaw, DE: toBerlin },
 * });
 */
export class RouterPublisher extends SinkPublisher {
  readonly #routes: Routes;

  /** Takes the options of every publisher. @throws INVALID_OPTION */
  constructor(name: string, options: RouterOptions, config: PublisherConfig = {}) {
    const routes = new Routes(name, options);
    super(routes, publisherWithoutUrl(name, 'router', config));
    this.#routes = routes;
  }

  override suspend(): void {
    super.suspend();
    for (const child of this.#routes.children()) child.suspend();
  }

  override resume(): void {
    for (const child of this.#routes.children()) child.resume();
    super.resume();
  }

  override details(): RouterDetails {
    const { publishers, routed, unrouted, errors } = this.#routes;
    const all = routed + unrouted + errors;
    return {
      ...super.details(),
      publisher_count: publishers.length,
      publishers: Object.fromEntries(publishers.map(([key, child]) => [key, child.details()])),
      routed_count: routed,
      unrouted_count: unrouted,
      error_count: errors,
      routing_efficiency: all === 0 ? 100 : Math.round((routed * 10_000) / all) / 100,
    };
  }

  override async close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#routes.closing.by(options.deadlineMs);
    await super.close(options);
  }
}

/** The routes as one target. */
class Routes implements PreparedSink<PassedOn> {
  readonly publishers: readonly (readonly [key: string, publisher: Publisher])[];
  readonly #name: string;
  readonly #byKey: ReadonlyMap<string, Publisher>;
  readonly #resolver: RouteResolver;
  readonly #deadLetters: DeadLetterFile;
  readonly closing = new Closing();
  routed = 0;
  unrouted = 0;
  errors = 0;

  constructor(name: string, { routes, resolver, deadLetters = `unrouted_pub_${name}.jsonl` }: RouterOptions) {
    this.#name = name;
    this.publishers = Object.entries(routes);
    this.#byKey = new Map(this.publishers);
    this.#resolver = resolver;
    this.#deadLetters = new DeadLetterFile(deadLetters);
  }

  readonly encode = passedOn;

  async connect(): Promise<{ send: Routes['send']; close: () => Promise<void> }> {
    await startAll(this.children());
    return { send: (messages) => this.send(messages), close: () => this.closing.close(this.children()) };
  }

  async send(messages: readonly PassedOn[]): Promise<readonly Refusal[]> {
    const keys = await Promise.all(messages.map(({ message }) => this.#keyOf(message)));
    const refusals: Refusal[] = [];
    await Promise.all(
      messages.map(async ({ message }, index) => {
        try {
          await this.#deliver(message, keys[index]);
        } catch (error) {
          this.errors++;
          refusals.push({ index, error: toMillraceError(error) });
        }
      }),
    );
    return refusals;
  }

  async #keyOf(message: Message): Promise<string | undefined | MillraceError> {
    try {
      return await this.#resolver(message);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return new MillraceError('REFUSED', `router "${this.#name}": its resolver failed: ${reason}`, { cause });
    }
  }

  async #deliver(message: Message, key: string | undefined | MillraceError): Promise<void> {
    if (key instanceof MillraceError) throw key;
    const child = key === undefined ? undefined : this.#byKey.get(key);
    if (child === undefined) {
      await this.#deadLetters.write({
        timestamp: new Date().toISOString(),
        router_name: this.#name,
        routing_key: key ?? null,
        available_keys: [...this.#byKey.keys()],
        data: message.value,
      });
      this.unrouted++;
    } else {
      await child.publish(message);
      this.routed++;
    }
  }

  /** Two keys may share a publisher. */
  children(): Publisher[] {
    return [...new Set(this.#byKey.values())];
  }
}
