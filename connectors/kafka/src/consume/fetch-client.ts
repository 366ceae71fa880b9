import type { Damage } from '@millrace/core';
import { Consumer, FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka';

import type { ClientOptions } from '../client-options.ts';
import { answered, isUnreadable } from '../errors.ts';
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

  /**
   * What is new behind these places, all of partitions with one leader; empty when nothing came within the longest wait.
   * A batch that cannot be parsed is reported as damage, and gone around.
   */
  async fetch(leader: number, places: readonly FetchPlace[], maxBytes: number): Promise<FetchedBatch[]> {
    try {
      return await this.#fetch(leader, places, { maxBytes, maxWait: this.#maxWait });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const found: FetchedBatch[] = [];
      for (const place of places) found.push(...(await this.#fetchAround(leader, place)));
      return found;
    }
  }

  async #fetch(
    leader: number,
    places: readonly FetchPlace[],
    { maxBytes, maxWait }: { readonly maxBytes: number; readonly maxWait: number },
  ): Promise<FetchedBatch[]> {
    const topic = this.#consumer.currentMetadata?.topics.get(this.#topic.name);
    const partitions = places.map(({ partition, offset }) => ({
      partition,
      fetchOffset: BigInt(offset),
      partitionMaxBytes: maxBytes,
      currentLeaderEpoch: ANY_EPOCH,
      lastFetchedEpoch: ANY_EPOCH,
    }));
    const ask = () =>
      this.#consumer.fetch({
        node: leader,
        topics: [{ topicId: topic?.id ?? '', partitions }],
        minBytes: 1,
        maxBytes,
        maxWaitTime: maxWait,
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      });
    const { responses } = await ask().catch((error: unknown) => {
      // The driver lost count of its session when it could not parse an answer; now it begins another one.
      if (answered(error, 'INVALID_FETCH_SESSION_EPOCH')) return ask();
      throw error;
    });
    const from = new Map(places.map(({ partition, offset }) => [partition, offset]));
    return responses
      .flatMap((response) => response.partitions)
      .map((fetched) => recordsFrom(fetched, from.get(fetched.partitionIndex) ?? 0))
      .filter((batch) => batch !== undefined);
  }

  /** The first batch of one partition, as damage if it cannot be parsed. */
  async #fetchAround(leader: number, place: FetchPlace): Promise<FetchedBatch[]> {
    const { partition, offset: from } = place;
    const batches = await this.#fetchOne(leader, place);
    if (!(batches instanceof Error)) return batches;
    const latest = await this.latest([partition]);
    const isReadable = async (offset: number): Promise<boolean> =>
      !((await this.#fetchOne(leader, { partition, offset })) instanceof Error);
    const to = await firstReadable(from, latest.get(partition)!, isReadable);
    const damage: Damage = {
      from,
      to,
      place: `topic ${this.#topic.name}, partition ${partition}, offsets ${from} to ${to - 1}`,
      reason: `a batch of records cannot be parsed: ${batches.message}`,
      // The driver keeps nothing of it; the file of the partition on the broker's disk has it.
      bytes: new Uint8Array(),
    };
    return [{ partition, from, to, records: [], bytes: 0, damage: [damage] }];
  }

  /** The batch at one offset, at once; the error if it cannot be parsed. */
  async #fetchOne(leader: number, place: FetchPlace): Promise<FetchedBatch[] | Error> {
    try {
      // Brokers send one batch whatever its size.
      return await this.#fetch(leader, [place], { maxBytes: 1, maxWait: 0 });
    } catch (error) {
      if (isUnreadable(error)) return error;
      throw error;
    }
  }

  /** Lowest offset that can be read, by partition. */
  earliest(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#offsets(partitions, ListOffsetTimestamps.EARLIEST);
  }

  /** Where the next committed record will stand, by partition. */
  latest(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#offsets(partitions, ListOffsetTimestamps.LATEST);
  }

  /** The first record that is not older than this time, by partition; without those that have nothing so new. */
  async since(partitions: readonly number[], time: number): Promise<ReadonlyMap<number, number>> {
    const found = await this.#offsets(partitions, BigInt(time));
    return new Map([...found].filter(([, offset]) => offset >= 0));
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

/** The end of an unreadable batch: every offset in it brings the whole batch. Doubling steps, then halving ones. */
async function firstReadable(
  from: number,
  latest: number,
  isReadable: (offset: number) => Promise<boolean>,
): Promise<number> {
  let unreadable = from;
  let readable = Math.min(from + 1, latest);
  for (let step = 2; readable < latest && !(await isReadable(readable)); step *= 2) {
    unreadable = readable;
    readable = Math.min(from + step, latest);
  }
  while (readable - unreadable > 1) {
    const middle = Math.floor((unreadable + readable) / 2);
    if (await isReadable(middle)) readable = middle;
    else unreadable = middle;
  }
  return readable;
}
