/**
 * Sends messages somewhere: a topic, a key, a channel, a file.
 *
 * @example
 * const publisher = await openPublisher('memory://queue/orders');
 * await publisher.publish({ key: 'order-1', value: { total: 12 } });   // resolves once the target has it
 * await publisher.close();
 */
export interface Publisher {
  /**
   * Resolves when the target has taken the message, as durably as the connector's page promises.
   *
   * Messages of one publisher keep the order of their `publish` calls, awaited or not.
   *
   * @throws QUEUE_FULL when a bound is reached and the connector does not wait, NOT_RUNNING after `close`,
   * INVALID_ARGUMENT when the value cannot be written as JSON.
   */
  publish(message: Message): Promise<void>;
  /** Waits until all that was published is delivered. Closing twice is harmless. */
  close(): Promise<void>;
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
