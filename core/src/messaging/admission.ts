import type { Message } from '../publisher.ts';
import type { Logger } from '../logging.ts';
import { checkMessage } from './check-message.ts';
import { hookFailed, isWorthALine } from './hooks.ts';
import { messageFrom } from './payload.ts';
import { clampPriority, LOWEST_PRIORITY } from './priority.ts';
import type { PriorityExtractor } from './priority.ts';
import { Skipped } from './sink.ts';
import type { Encoded, PreparedSink } from './sink.ts';

export interface AdmissionOptions {
  /** In messages: `publisher "orders"`. */
  readonly who: string;
  readonly logger: Logger | undefined;
  /** Holds the keys of messages without a key. */
  readonly keyField: string | undefined;
  readonly priorityOf: PriorityExtractor | undefined;
  readonly predicate: ((message: Message) => boolean | Promise<boolean>) | undefined;
}

/** Takes over what has been decided on. */
type Offer = (encoded: Encoded, priority: number) => Promise<void>;

const DONE = Promise.resolve();

/** What becomes of a message before it is accepted: its key, encoding and priority, and whether it goes at all. */
export class Admission {
  readonly #prepared: PreparedSink<Encoded>;
  readonly #options: AdmissionOptions;
  /** Predicates that have not answered yet; the last of them opens the gate. */
  #undecided = 0;
  #gate: Promise<void> | undefined;
  /** Those that were not to go. */
  filtered = 0;
  /** Those that the connector lets pass unsent. */
  skipped = 0;

  constructor(prepared: PreparedSink<Encoded>, options: AdmissionOptions) {
    this.#prepared = prepared;
    this.#options = options;
  }

  /**
   * Offers the message, at once or when its predicate has answered: in the order of the calls. It is taken as it is
   * now: what the caller changes later has no effect on what is sent.
   *
   * @throws INVALID_ARGUMENT, REFUSED when a function of the application failed, and what `encode` throws
   */
  admit(message: Message, offer: Offer): Promise<void> {
    checkMessage(message);
    const keyed = this.#keyed(message);
    const encoded = this.#prepared.encode(keyed);
    if (encoded instanceof Skipped) return this.#skip(encoded);
    const priority = this.#priorityOf(keyed);
    const { predicate } = this.#options;
    if (predicate === undefined) return offer(encoded, priority);
    const verdict = this.#called('predicate', () => predicate(keyed));
    const decide = (yes: unknown): Promise<void> => {
      if (yes === true) return offer(encoded, priority);
      this.filtered++;
      return DONE;
    };
    if (typeof verdict === 'boolean' && this.#undecided === 0) return decide(verdict);
    return this.#decideLater(verdict, decide);
  }

  #skip({ reason }: Skipped): Promise<void> {
    const count = ++this.skipped;
    const { who, logger } = this.#options;
    if (isWorthALine(count)) logger?.warn({ reason, count }, `${who}: messages skipped`);
    return DONE;
  }

  /** Resolves when everything has been decided. */
  async settled(): Promise<void> {
    await this.#gate;
  }

  /** Waits for the verdict, and for those that were asked for before it. */
  async #decideLater(verdict: unknown, decide: (yes: unknown) => Promise<void>): Promise<void> {
    const before = this.#gate;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#undecided++;
    let offered: Promise<void>;
    try {
      const [answer] = await Promise.allSettled([verdict]);
      await before;
      if (answer.status === 'rejected') throw hookFailed(this.#options.who, 'predicate', answer.reason);
      offered = decide(answer.value);
    } finally {
      this.#undecided--;
      resolve();
    }
    await offered;
  }

  #keyed(message: Message): Message {
    const { keyField } = this.#options;
    if (keyField === undefined || message.key !== undefined) return message;
    return { ...message, ...messageFrom(message.value, keyField) };
  }

  #priorityOf({ value }: Message): number {
    const { priorityOf } = this.#options;
    if (priorityOf === undefined) return LOWEST_PRIORITY;
    return clampPriority(this.#called('priorityExtractor', () => priorityOf(value)));
  }

  /** A function of the application. */
  #called<T>(hook: string, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      throw hookFailed(this.#options.who, hook, cause);
    }
  }
}
