import { MultipleErrors, Producer, type CompressionAlgorithmValue, type MessageToProduce } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from '../client-options.ts';
import { isCertainlyNotWritten, isStale } from '../errors.ts';

export interface LaneOptions {
  readonly client: ClientOptions;
  readonly compression: CompressionAlgorithmValue;
  /** 'all' makes the producer idempotent: a request that is sent again after a lost answer is written once. */
  readonly acks: 'all' | '1' | '0';
}

/** What the driver sends; it takes further fields, which come back untouched. */
export interface WireRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  readonly headers: Record<string, Buffer> | undefined;
}

type BufferProducer = Producer<Buffer, Buffer, string>;

const ACKS = { all: -1, '1': 1, '0': 0 } as const;

/**
 * Requests to the leader of some partitions, one at a time: with several under way, records came out of order when one
 * of them was sent again. A producer of its own per leader, because giving up a request means to close it.
 */
export class Lane {
  readonly #options: LaneOptions;
  #producer: BufferProducer | undefined;
  #spansPartitions = false;
  /** Of the request under way, since the driver forgets those before it found another leader. */
  #failures: Error[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Writes all or fails with the driver's errors, those of all attempts. While the leader is away it is tried again,
   * for so many milliseconds.
   *
   * @returns the offset of the first record per partition; empty for acks 0
   */
  async send(messages: WireRecord[], timeoutMs: number): Promise<ReadonlyMap<number, number>> {
    const producer = (this.#producer ??= this.#connect());
    this.#spansPartitions = messages.some(({ partition }) => partition !== messages[0]?.partition);
    this.#failures = [];
    const expiry = setTimeout(() => this.#giveUp(producer), timeoutMs);
    try {
      const { offsets = [] } = await producer.send({
        // The driver takes undefined for no key and no headers, which its types do not say.
        messages: messages as MessageToProduce<Buffer, Buffer, string>[],
        acks: ACKS[this.#options.acks],
      });
      return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
    } catch (error) {
      // Its sequence numbers count what was not written: only a new producer starts afresh.
      this.#giveUp(producer);
      if (!(error instanceof Error) || this.#failures.length === 0) throw error;
      throw new MultipleErrors(error.message, [...this.#failures, error]);
    } finally {
      clearTimeout(expiry);
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close(true);
  }

  #connect(): BufferProducer {
    const { client, compression, acks } = this.#options;
    const producer: BufferProducer = new Producer({
      ...client,
      compression,
      idempotent: acks === 'all',
      retries: true,
      serializers: { headerKey: (name) => (name === undefined ? undefined : Buffer.from(name)) },
      retryDelay: (_client, operation, attempt, _retries, error) => {
        if (operation === 'produce') this.#failed(producer, error);
        return retryDelay(attempt);
      },
    });
    // After a broker said that it is not the leader the driver begins anew, without its delay.
    producer.on('client:performWithRetry:failed', (operation: string, _retries: number, errors: readonly Error[]) => {
      if (operation === 'produce') this.#failures.push(...errors);
    });
    return producer;
  }

  #failed(producer: BufferProducer, error: Error): void {
    this.#failures.push(error);
    if (!isStale(error)) return;
    producer.clearMetadata();
    // The driver would ask the leader of the first partition for all of them, as long as it tries. But what may be
    // written already must not be sent by another producer: this one's sequence numbers keep it from being doubled.
    if (this.#spansPartitions && this.#failures.every((each) => isCertainlyNotWritten(each)))
      setImmediate(() => this.#giveUp(producer));
  }

  /** A pending request of the producer fails at once; whether it was written may remain open. */
  #giveUp(producer: BufferProducer): void {
    if (this.#producer === producer) this.#producer = undefined;
    void producer.close(true);
  }
}
