import type { Options, OptionValues } from '../config/index.ts';
import type { MillraceError } from '../errors.ts';
import type { Message } from '../publisher.ts';

/**
 * The sending half of a connector: what it knows about its target, and nothing else. Queueing, batching, retrying,
 * buffering while the target is away and counting are done once, in front of it, for every connector.
 *
 * @example
 * export const publisher = defineSink({
 *   options: defineOptions('redis', { ttl: durationOption({ optional: true, description: 'Time to live of the key' }) }),
 *   prepare({ url, values }) {
 *     const address = parseAddress(url);                      // throws INVALID_ARGUMENT at once, no connection made
 *     return {
 *       encode: ({ key, value }) => encodeJson(key, value),   // at the call of `publish`: a later change has no effect
 *       connect: async () => new RedisSink(await connect(address), values.ttl),
 *     };
 *   },
 * });
 */
export interface SinkConnector<O extends Options = Options> {
  /** What the URL's query and the configuration may set for this connector, beside what every publisher takes. */
  readonly options: O;
  /** The URL's query belongs to the target (a webhook's address) and sets no option. Default false. */
  readonly ownsQuery?: boolean;
  /** Checks URL and options without any input or output. @throws INVALID_ARGUMENT, INVALID_OPTION */
  prepare(target: SinkTarget<O>): PreparedSink<Encoded>;
}

export interface SinkTarget<O extends Options> {
  readonly url: URL;
  /** The URL's text as given, for what parsing changes: a relative path. */
  readonly text: string;
  /** As given, for messages; without the password. */
  readonly display: string;
  readonly values: OptionValues<O>;
  /** The publisher's name: default of client names and the like. */
  readonly name: string;
}

/** A message as the connector sends it. */
export interface Encoded {
  /** What it takes in memory, about: the queue in front is bounded by the sum. */
  readonly bytes: number;
}

/** What `encode` gives for a message that an option of the connector lets pass unsent: it is counted and logged. */
export class Skipped {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface PreparedSink<E extends Encoded> {
  /** At most so many messages in one `send`. Default 1,000. */
  readonly maxBatch?: number;
  /**
   * What will be sent for this message, taken at the call of `publish`.
   *
   * @throws INVALID_ARGUMENT naming the field that the target cannot take
   */
  encode(message: Message): E | Skipped;
  /** One connection. After a failure it is closed, and a new one made. @throws with a code whose `retry` says whether to try again */
  connect(signal: AbortSignal): Promise<Sink<E>>;
}

/** One connection to a target. */
export interface Sink<E extends Encoded> {
  /**
   * Sends all, in this order, and resolves when the target has taken them, with those that it refused for good (most
   * often none). Never called again before it has settled.
   *
   * A rejection with a code whose `retry` is true means: any of them may or may not have arrived, send all again on a
   * new connection. One whose `retry` is false means that the target will not take any of them.
   *
   * A sink that learns it may call `taken(n)` meanwhile: the target has taken the first n, which are settled by that and
   * not sent again. The array is valid until the promise has settled.
   */
  send(messages: readonly E[], taken: (count: number) => void): Promise<readonly Refusal[]>;
  /** Releases the connection, also a broken one. */
  close(): Promise<void>;
}

export interface Refusal {
  /** Of the message in the batch that was sent. */
  readonly index: number;
  readonly error: MillraceError;
}

/** Keeps the types of options and encoded messages within one connector, where the registry need not know them. */
export function defineSink<const O extends Options, E extends Encoded>(connector: {
  readonly options: O;
  readonly ownsQuery?: boolean;
  prepare(target: SinkTarget<O>): PreparedSink<E>;
}): SinkConnector {
  // What `encode` of a connector gives only ever reaches `send` of the same one.
  return connector;
}
