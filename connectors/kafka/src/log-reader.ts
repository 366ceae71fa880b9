import { MillraceError, type Batch, type Bounds, type ConsumeOptions, type LogReader } from '@millrace/core';
import { Admin } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from './client-options.ts';
import { consumePartitions } from './consume/consume-partitions.ts';
import { FetchClient } from './consume/fetch-client.ts';
import { GroupMember } from './consume/group-member.ts';
import { type FetchedBatch, slicesOf } from './consume/records.ts';
import { answered, kafkaError, logClosed, outOfRange } from './errors.ts';
import type { ConsumerValues } from './options.ts';
import { pause, type Topic } from './topic.ts';

export interface KafkaLogReaderOptions extends ConsumerValues {
  readonly client: ClientOptions;
  readonly topic: Topic;
  /** Of the URL, for messages. */
  readonly display: string;
}

/** How long a single question is asked again while the broker is away. */
const PATIENCE_MS = 10_000;
const LEAST_FETCH_BYTES = 1024;

/** The reading end of a topic. Positions come from whoever consumes; the group's own offsets are only told, never used. */
export class KafkaLogReader implements LogReader {
  readonly #options: KafkaLogReaderOptions;
  readonly #members = new Map<string, Set<GroupMember>>();
  readonly #consuming = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #client: FetchClient;
  /** Broker and driver allow one fetch at a time. */
  #asking: Promise<unknown> = Promise.resolve();

  constructor(options: KafkaLogReaderOptions) {
    this.#options = options;
    this.#client = this.#newClient();
  }

  get partitions(): number {
    return this.#options.topic.partitions;
  }

  bounds(partition: number): Promise<Bounds> {
    return this.#ask(partition, async () => {
      const [earliest, latest] = await Promise.all([
        this.#client.earliest([partition]),
        this.#client.latest([partition]),
      ]);
      return { earliest: earliest.get(partition)!, next: latest.get(partition)! };
    });
  }

  read(partition: number, from: number, maxBytes: number): Promise<Batch> {
    return this.#ask(partition, async () => {
      const latest = await this.#client.latest([partition]);
      const next = latest.get(partition)!;
      try {
        if (from <= next) return await this.#readUntilRecord(partition, from, next, maxBytes);
      } catch (error) {
        if (!answered(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      }
      const earliest = await this.#client.earliest([partition]);
      throw outOfRange(this.#options.topic.name, partition, from, `from ${earliest.get(partition)} to ${next}`);
    });
  }

  /** Several consumers of a group share the partitions. */
  async consume(group: string, options: ConsumeOptions): Promise<void> {
    if (this.#closing.signal.aborted) throw logClosed();
    const member = new GroupMember({
      ...this.#options,
      group,
      work: (partitions, revoked) => consumePartitions(this.#options, partitions, options, revoked),
    });
    const members = this.#members.get(group) ?? new Set();
    this.#members.set(group, members.add(member));
    const running = member.run(AbortSignal.any([options.signal, this.#closing.signal]));
    this.#consuming.add(running);
    try {
      await running;
    } finally {
      members.delete(member);
      this.#consuming.delete(running);
    }
  }

  /**
   * Deletes nothing, because Kafka does that by age and size; but tells the group's offset to Kafka, so that its tools show
   * the lag.
   */
  async release(group: string, partition: number, below: number): Promise<void> {
    this.#check(partition);
    if (!Number.isSafeInteger(below) || below < 0) {
      throw new MillraceError('INVALID_ARGUMENT', `${below} is not an offset`, {
        field: 'below',
        value: below,
        accepted: 'an integer from 0',
      });
    }
    const member = [...(this.#members.get(group) ?? [])].find((each) => each.has(partition));
    if (member !== undefined) member.commit(partition, below);
    else await this.#tellOffset(group, partition, below);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#consuming);
    await this.#asking;
    await this.#client.close();
  }

  async #readUntilRecord(partition: number, from: number, next: number, maxBytes: number): Promise<Batch> {
    let to = from;
    const leaders = await this.#client.leaders();
    // Markers of transactions and what they aborted are offsets without records.
    while (to < next) {
      const place = { partition, offset: to };
      const [fetched] = await this.#client.fetch(leaders[partition]!, [place], Math.max(LEAST_FETCH_BYTES, maxBytes));
      const [slice] = fetched === undefined ? [] : slicesOf([fetched], maxBytes);
      const batch: FetchedBatch | undefined = slice?.[0];
      if (batch === undefined) break;
      to = batch.to;
      if (batch.records.length > 0 || batch.damage !== undefined) return { ...batch, from };
    }
    return { partition, from, to, records: [] };
  }

  /** A group without members takes offsets from anybody; one with members refuses, because they know better. */
  async #tellOffset(group: string, partition: number, below: number): Promise<void> {
    const admin = new Admin({ ...this.#options.client, retries: 0 });
    const { name } = this.#options.topic;
    try {
      await admin.alterConsumerGroupOffsets({
        groupId: group,
        topics: [{ name, partitionOffsets: [{ partition, offset: BigInt(below) }] }],
      });
    } catch (error) {
      const own = kafkaError(error, this.#options.display);
      // Nothing depends on it, and the next release tells a newer offset.
      if (!own.retry) throw own;
    } finally {
      await admin.close();
    }
  }

  /** One question after the other, each again while the broker is away. */
  async #ask<T>(partition: number, question: () => Promise<T>): Promise<T> {
    this.#check(partition);
    const asked = this.#asking.then(() => this.#persist(question));
    this.#asking = asked.catch(() => undefined);
    return asked;
  }

  async #persist<T>(question: () => Promise<T>): Promise<T> {
    const until = performance.now() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      if (this.#closing.signal.aborted) throw logClosed();
      try {
        return await question();
      } catch (error) {
        const own = kafkaError(error, this.#options.display);
        if (!own.retry || performance.now() > until) throw own;
        await this.#client.close();
        this.#client = this.#newClient();
        await pause(retryDelay(attempt), undefined);
      }
    }
  }

  #newClient(): FetchClient {
    return new FetchClient(this.#options);
  }

  #check(partition: number): void {
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitions) return;
    throw new MillraceError('INVALID_ARGUMENT', `there is no partition ${partition}`, {
      field: 'partition',
      value: partition,
      accepted: `an integer from 0 to ${this.partitions - 1}`,
    });
  }
}
