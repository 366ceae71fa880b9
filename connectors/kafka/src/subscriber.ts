import {
  choiceOption,
  defineOptions,
  defineSource,
  MillraceError,
  stringOption,
  toMillraceError,
  type Received,
  type Source,
} from '@millrace/core';

import { type ClientOptions, clientOptions, retryDelay } from './client-options.ts';
import { consumePartitions } from './consume/consume-partitions.ts';
import { GroupMember } from './consume/group-member.ts';
import type { FetchedBatch, FetchedRecord } from './consume/records.ts';
import { kafkaError } from './errors.ts';
import { connectionOptions, consumerOptions, topicOptions, type ConsumerValues } from './options.ts';
import { openTopic, pause, type Topic } from './topic.ts';
import { topicAddress } from './url.ts';

export const subscriberOptions = defineOptions('kafka', {
  ...connectionOptions,
  groupId: stringOption({
    optional: true,
    minLength: 1,
    description: 'Consumer group: its subscribers share the messages; default: the name of the subscriber and `_group`',
  }),
  autoOffsetReset: choiceOption({
    choices: ['earliest', 'latest'],
    default: 'earliest',
    description: 'Where a group begins that Kafka does not know yet',
  }),
  ...consumerOptions,
  createTopic: topicOptions.createTopic,
});

export const subscriber = defineSource({
  options: subscriberOptions,
  prepare({ text, values, name }) {
    const address = topicAddress(text, values);
    const { groupId = `${name}_group`, autoOffsetReset } = values;
    return {
      async connect(signal) {
        const client = await clientOptions(address);
        const plan = values.createTopic ? { settings: {} } : undefined;
        const topic = await openTopic(address, client, plan, { signal, patienceMs: 0 });
        const source = new KafkaSource({
          ...values,
          client,
          topic,
          group: groupId,
          autoOffsetReset,
          display: address.display,
        });
        await source.joined(signal);
        return source;
      },
    };
  },
});

interface KafkaSourceOptions extends ConsumerValues {
  readonly client: ClientOptions;
  readonly topic: Topic;
  readonly group: string;
  readonly autoOffsetReset: 'earliest' | 'latest';
  readonly display: string;
}

/** Small enough to keep what waits in memory small, large enough to make a fetch worth its cost. */
const MAX_BYTES = 1024 * 1024;
/** How long a call of `receive` waits. */
const RECEIVE_MS = 1000;

/** One assignment of partitions. */
interface Generation {
  /** Given to `receive` and not acknowledged. */
  open: number;
  onSettled: (() => void) | undefined;
}

/** Key and headers are decoded when they are asked for. */
class ReceivedRecord implements Received {
  readonly record: FetchedRecord;
  readonly partition: number;
  readonly generation: Generation;

  constructor(record: FetchedRecord, partition: number, generation: Generation) {
    this.record = record;
    this.partition = partition;
    this.generation = generation;
  }

  get body(): Buffer {
    return this.record.value;
  }

  get key(): string | undefined {
    return this.record.key;
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    return this.record.headers;
  }

  get token(): this {
    return this;
  }
}

class KafkaSource implements Source {
  readonly #options: KafkaSourceOptions;
  readonly #member: GroupMember;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #joined = Promise.withResolvers<void>();
  #waiting: ReceivedRecord[] = [];
  #at = 0;
  #onTaken: (() => void) | undefined;
  #onItem: (() => void) | undefined;
  #failure: MillraceError | undefined;
  #generation: Generation | undefined;

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#member = new GroupMember({
      ...options,
      work: (partitions, revoked) => this.#work(partitions, revoked),
      onJoined: () => this.#joined.resolve(),
    });
    this.#running = this.#member.run(this.#stop.signal).catch((error: unknown) => this.#fail(error));
  }

  /** @throws what keeps it from joining; closes then */
  async joined(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#joined.reject(new MillraceError('CANCELLED', 'it was told to stop'));
    signal.addEventListener('abort', stop);
    try {
      await this.#joined.promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#waiting.length === this.#at && !signal.aborted) await this.#item(signal);
    if (this.#failure !== undefined) throw this.#failure;
    const received = this.#waiting.slice(this.#at, this.#at + max);
    this.#at += received.length;
    for (const { generation } of received) generation.open++;
    if (this.#at === this.#waiting.length) this.#onTaken?.();
    return received;
  }

  async acknowledge(received: readonly Received[]): Promise<void> {
    for (const { token } of received) {
      // What `receive` gave.
      const { generation, partition, record } = token as ReceivedRecord;
      generation.open--;
      // Of a former generation: the partition may be another consumer's by now, which has the message again.
      if (this.#member.has(partition) && generation === this.#generation)
        this.#member.commit(partition, record.offset + 1);
      if (generation.open === 0) generation.onSettled?.();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(partitions: readonly number[], revoked: AbortSignal): Promise<void> {
    const generation: Generation = { open: 0, onSettled: undefined };
    this.#generation = generation;
    const committed = await this.#committed(partitions, revoked);
    const { autoOffsetReset } = this.#options;
    await consumePartitions(
      this.#options,
      partitions,
      {
        start: async (partition) => committed.get(partition) ?? autoOffsetReset,
        handle: (batches) => this.#offer(batches, generation, revoked),
        maxBytes: MAX_BYTES,
      },
      revoked,
    );
    await this.#settled(generation);
  }

  /** Resolves when all are taken; what is not when the partitions are revoked goes to the next consumer instead. */
  async #offer(batches: readonly FetchedBatch[], generation: Generation, revoked: AbortSignal): Promise<void> {
    const waiting: ReceivedRecord[] = [];
    for (const { partition, records } of batches) {
      for (const record of records) waiting.push(new ReceivedRecord(record, partition, generation));
    }
    this.#waiting = waiting;
    this.#at = 0;
    if (this.#waiting.length === 0) return;
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    this.#onTaken = done;
    revoked.addEventListener('abort', done);
    this.#onItem?.();
    await taken;
    // The signal lives as long as the assignment, which may be for ever.
    revoked.removeEventListener('abort', done);
    this.#onTaken = undefined;
    this.#waiting = [];
    this.#at = 0;
  }

  /**
   * Waits for what the application has in its hands. If it keeps it for so long that the group would lose patience, the
   * connection is given up: what was received and not acknowledged is forgotten here, because it comes again elsewhere.
   */
  async #settled(generation: Generation): Promise<void> {
    if (generation.open === 0 || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      generation.onSettled = resolve;
      this.#stop.signal.addEventListener('abort', () => resolve());
      setTimeout(resolve, this.#options.sessionTimeout / 2).unref();
    });
    if (generation.open === 0) return;
    const message = `the partitions of ${this.#options.display} went to another consumer before ${generation.open} messages were acknowledged`;
    this.#fail(new MillraceError('UNAVAILABLE', message));
  }

  async #committed(partitions: readonly number[], revoked: AbortSignal): Promise<ReadonlyMap<number, number>> {
    for (let attempt = 1; !revoked.aborted; attempt++) {
      try {
        return await this.#member.committed(partitions);
      } catch (error) {
        const own = kafkaError(error, this.#options.display);
        if (!own.retry) throw own;
        await pause(retryDelay(attempt), undefined);
      }
    }
    return new Map();
  }

  #fail(error: unknown): void {
    this.#failure ??= toMillraceError(error);
    this.#joined.reject(this.#failure);
    this.#onItem?.();
  }

  #item(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#onItem = undefined;
        resolve();
      };
      const timer = setTimeout(done, RECEIVE_MS);
      signal.addEventListener('abort', done);
      this.#onItem = done;
      if (this.#failure !== undefined) done();
    });
  }
}
