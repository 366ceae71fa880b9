import type { Options, OptionValues } from '../config/index.ts';
import type { JsonValue } from '../publisher.ts';

/**
 * The receiving half of a connector. Queueing, decoding, packaging, delivery, reconnecting and counting are done once,
 * behind it, for every connector.
 */
export interface SourceConnector<O extends Options = Options> {
  /** What the URL's query and the configuration may set for this connector, beside what every subscriber takes. */
  readonly options: O;
  /** The URL's query belongs to the source and sets no option. Default false. */
  readonly ownsQuery?: boolean;
  /** Checks URL and options without any input or output. @throws INVALID_ARGUMENT, INVALID_OPTION */
  prepare(target: SourceTarget<O>): PreparedSource;
}

export interface SourceTarget<O extends Options> {
  readonly url: URL;
  /** The URL's text as given, for what parsing changes: a relative path. */
  readonly text: string;
  /** As given, for messages; without the password. */
  readonly display: string;
  readonly values: OptionValues<O>;
  /** The subscriber's name: default of consumer group names and the like. */
  readonly name: string;
}

export interface PreparedSource {
  /**
   * How far the subscriber receives ahead, where the source has an option `maxDepth` of its own: with another default,
   * because what one consumer has received is kept from the others. Default: the subscriber's `max_depth`.
   */
  readonly maxDepth?: number;
  /**
   * Receive only while the application waits for a message, and no more than it waits for: where a message that was
   * received is kept from other consumers. Default false: up to the subscriber's `max_depth` are received ahead.
   */
  readonly onDemand?: boolean;
  /** One connection. After a failure it is closed, and a new one made. @throws with a code whose `retry` says whether to try again */
  connect(signal: AbortSignal): Promise<Source>;
}

/** One connection to where messages come from. */
export interface Source {
  /**
   * Waits for messages and gives what is there, at most about `max`, in order. Empty when nothing came for a while or
   * the signal aborted; undefined when nothing will ever come (the end of a file). Never called again before it has settled.
   *
   * A source without `acknowledge` is asked once more at close, with a signal that has aborted already: what has arrived
   * in its own buffers, and would be lost, is given then.
   *
   * @throws with a code whose `retry` says whether a new connection may go on
   */
  receive(max: number, signal: AbortSignal): Promise<readonly Received[] | undefined>;
  /**
   * The application is done with these: they need not come again. Called in the order of arrival. Absent where a
   * message is gone once it is received (at most once).
   */
  acknowledge?(received: readonly Received[]): Promise<void>;
  /**
   * Where the target gives to others what it has not heard of for a while: says that everything received over this
   * connection and not acknowledged is still in work. A failure is one of the connection.
   */
  readonly renewal?: { readonly everyMs: number; renew(): Promise<void> };
  /**
   * Where messages are taken away before they are acknowledged, as when the partitions of a consumer group go to another
   * member. Called once, before the first `receive`: `recall` makes the subscriber forget what it has received and not
   * given to the application, and gives back what will therefore not be acknowledged.
   */
  recallable?(recall: () => readonly Received[]): void;
  /**
   * Releases the connection, also a broken one. Where there is an `acknowledge`, what was not acknowledged comes again,
   * to whoever connects next: the subscriber forgets what it has received and not yet given away.
   */
  close(): Promise<void>;
}

/** A message as it came in. */
export interface Received {
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** JSON text from one of our publishers; anything from others. */
  readonly body: string | Uint8Array;
  /** The value, where the source has it already: then `body` is not looked at. */
  readonly value?: JsonValue;
  /** For `acknowledge`: the connector's own. */
  readonly token?: unknown;
}

/** Keeps the types of options within one connector, where the registry need not know them. */
export function defineSource<const O extends Options>(connector: SourceConnector<O>): SourceConnector {
  return connector;
}
