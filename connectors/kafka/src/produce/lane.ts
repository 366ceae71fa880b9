import { Producer, type CompressionAlgorithmValue, type MessageToProduce } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from '../client-options.ts';
import { isStale } from '../errors.ts';

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

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Writes all or fails with the driver's error. While the leader is away it is tried again, for so many milliseconds.
   *
   * @returns the offset of the first record per partition; empty for acks 0
   */
  async send(messages: WireRecord[], timeoutMs: number): Promise<ReadonlyMap<number, number>> {
    const producer = (this.#producer ??= this.#connect());
    this.#spansPartitions = messages.some(({ partition }) => partition !== messages[0]?.partition);
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
      throw error;
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
        // The driver would ask the leader of the first partition for all of them, as long as it tries.
        if (operation === 'produce' && isStale(error) && this.#spansPartitions) {
          setImmediate(() => this.#giveUp(producer));
        }
        return retryDelay(attempt);
      },
    });
    return producer;
  }

  /** A pending request of the producer fails at once; whether it was written may remain open. */
  #giveUp(producer: BufferProducer): void {
    if (this.#producer === producer) this.#producer = undefined;
    void producer.close(true);
  }
}
