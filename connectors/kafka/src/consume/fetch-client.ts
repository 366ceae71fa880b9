import { Consumer, FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka';

import type { ClientOptions } from '../client-options.ts';
import type { Topic } from '../topic.ts';
import { type FetchedBatch, recordsFrom } from './records.ts';

export interface FetchPlace {
  readonly partition: number;
  readonly offset: number;
}

export interface FetchClientOptions {
  readonly client: ClientOptions;
  readonly topic: Topic;
  /** Milliseconds that the broker may wait for something new. */
  readonly maxWait: number;
}

/** The driver's consumer, used without its group: the name goes nowhere. */
const NO_GROUP = 'millrace';
/** Kafka's "I do not know": the leader does not check it then. */
const ANY_EPOCH = -1;

/**
 * Reads committed records from the leaders of partitions. Each failure is the caller's to repeat. One fetch per leader at
 * a time: broker and driver share a session per connection.
 */
export class FetchClient {
  readonly #topic: Topic;
  readonly #maxWait: number;
  readonly #consumer: Consumer;

  constructor({ client, topic, maxWait }: FetchClientOptions) {
    this.#topic = topic;
    this.#maxWait = maxWait;
    this.#consumer = new Consumer({ ...client, groupId: NO_GROUP, retries: 0 });
    this.#consumer.topics.track(topic.name);
  }

  /** The leader of each partition, -1 for none. */
  async leaders(): Promise<readonly number[]> {
    const { topics } = await this.#consumer.metadata({ topics: [this.#topic.name] });
    return topics.get(this.#topic.name)?.partitions.map(({ leader }) => leader) ?? [];
  }

  /** What is new behind these places, all of partitions with one leader; empty when nothing came within the longest wait. */
  async fetch(leader: number, places: readonly FetchPlace[], maxBytes: number): Promise<FetchedBatch[]> {
    const topic = this.#consumer.currentMetadata?.topics.get(this.#topic.name);
    const partitions = places.map(({ partition, offset }) => ({
      partition,
      fetchOffset: BigInt(offset),
      partitionMaxBytes: maxBytes,
      currentLeaderEpoch: ANY_EPOCH,
      lastFetchedEpoch: ANY_EPOCH,
    }));
    const { responses } = await this.#consumer.fetch({
      node: leader,
      topics: [{ topicId: topic?.id ?? '', partitions }],
      minBytes: 1,
      maxBytes,
      maxWaitTime: this.#maxWait,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    });
    const from = new Map(places.map(({ partition, offset }) => [partition, offset]));
    return responses
      .flatMap((response) => response.partitions)
      .map((fetched) => recordsFrom(fetched, from.get(fetched.partitionIndex) ?? 0))
      .filter((batch) => batch !== undefined);
  }

  /** Lowest offset that can be read, by partition. */
  earliest(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#offsets(partitions, ListOffsetTimestamps.EARLIEST);
  }

  /** Where the next committed record will stand, by partition. */
  latest(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#offsets(partitions, ListOffsetTimestamps.LATEST);
  }

  async #offsets(partitions: readonly number[], timestamp: bigint): Promise<ReadonlyMap<number, number>> {
    if (partitions.length === 0) return new Map();
    const { name } = this.#topic;
    const offsets = await this.#consumer.listOffsets({
      topics: [name],
      partitions: { [name]: [...partitions] },
      timestamp,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    });
    const found = offsets.get(name) ?? [];
    return new Map(partitions.map((partition) => [partition, Number(found[partition])]));
  }

  /** Ends running calls with an error. */
  async close(): Promise<void> {
    await this.#consumer.close(true);
  }
}
