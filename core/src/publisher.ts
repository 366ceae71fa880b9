import type { SignalOption } from './lifecycle.ts';

/**
 * Sends messages somewhere: a topic, a key, a channel, a file.
 *
 * @example
 * const publisher = await openPublisher('memory://queue/orders');
 * await publisher.publish({ key: 'order-1', value: { total: 12 } });   // resolves once the target has it
 * await publisher.enqueue({ key: 'order-2', value: { total: 30 } });   // resolves once the queue has it
 * await publisher.close();                                             // delivers what is queued
 */
export interface Publisher {
  readonly name: string;
  /** Connects. A target that is away does not fail it: messages wait. @throws what will not heal: INVALID_OPTION, REFUSED ... */
  start(): Promise<void>;
  /**
   * Resolves when the target has taken the message, as durably as the connector's page promises. Messages of one
   * publisher keep the order of their calls (within one priority, if the queue is ordered by priority).
   *
   * @throws INVALID_ARGUMENT when the target cannot take the message, QUEUE_FULL when the policy dropped it, UNAVAILABLE
   * when the attempts are used up, REFUSED, NOT_RUNNING before `start` and after `close`, CANCELLED when the signal
   * aborted before it was sent
   */
  publish(message: Message, options?: SignalOption): Promise<void>;
  /**
   * Resolves when the queue has the message: at once, unless the queue is full. What becomes of it is counted, logged,
   * and told to `onError`.
   *
   * @throws INVALID_ARGUMENT, NOT_RUNNING, CANCELLED as `publish`
   */
  enqueue(message: Message, options?: SignalOption): Promise<void>;
  /** Sends what is queued now, without waiting for the interval, and resolves when all of it has been settled. */
  flush(): Promise<void>;
  /** Sends nothing until `resume`; messages are still accepted. */
  suspend(): void;
  resume(): void;
  /** Whether it accepts messages: from the end of `start` until `close`, unless it has failed. A target may still be away. */
  isRunning(): boolean;
  details(): PublisherDetails;
  /**
   * Accepts no more, delivers what is queued, and disconnects. Closing twice is harmless.
   *
   * @throws TIMEOUT when messages were left after `deadlineMs` (30 s by default): it says how many; their `publish`
   * has been rejected
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

/** A JSON value with a key: what the target does with the key (record key, partition, none) is the connector's page. */
export interface Message {
  readonly key?: string;
  readonly value: JsonValue;
  /** Carried beside the value where the target has room for it (Kafka, HTTP, streams), else not at all. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [field: string]: JsonValue };

/** Statistics of a publisher. At any moment offered = publish_count + refused + dropped + queue_depth. */
export interface PublisherDetails {
  readonly name: string;
  readonly destination: string;
  readonly state: string;
  /** Seconds; 0 sends at once. */
  readonly publish_interval: number;
  readonly batch_size: number | undefined;
  readonly max_queue_depth: number;
  readonly priority_queue_enabled: boolean;
  readonly priority_key: string | undefined;
  /** ISO time of the last message that the target took. */
  readonly last_publish: string | undefined;
  /** Taken by the target. */
  readonly publish_count: number;
  /** Not settled yet: waiting for room, queued, under way, or in the outage buffer. */
  readonly queue_depth: number;
  /** Memory that the queued messages take, about. */
  readonly queue_bytes: number;
  /** Given to `publish` and `enqueue`, without those that a predicate held back. */
  readonly offered: number;
  /** The target, or the attempts, or the caller's signal said no. */
  readonly refused: number;
  /** Fell to the overflow policy, or were left when the deadline of `close` was over. */
  readonly dropped: number;
  /** Held back by the predicate. */
  readonly filtered: number;
  /** Passed over by the connector, as one of its options asks for (`on_missing_key`): not sent, and not in `offered`. */
  readonly skipped: number;
  /** Failed attempts to connect or to send. */
  readonly retries: number;
  /** Connections made after the first. */
  readonly reconnects: number;
  readonly connected: boolean;
  readonly suspended: boolean;
  readonly resilient: boolean;
  /** Attempts per message; undefined is unlimited. */
  readonly retry_max: number | undefined;
  /** Messages that were accepted after their attempts were used up, and wait for the target. */
  readonly outage_buffer_depth: number;
  /** Bytes in the write-ahead buffer that have not been delivered; undefined without one. */
  readonly wal_bytes: number | undefined;
  readonly last_error: string | undefined;
}
