import { setTimeout as sleep } from 'node:timers/promises';

import { Consumer, type ConsumerGroupJoinPayload } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from '../client-options.ts';
import { kafkaError } from '../errors.ts';
import type { Topic } from '../topic.ts';
import { assignPartitions } from './assign-partitions.ts';

export interface GroupMemberOptions {
  readonly client: ClientOptions;
  readonly topic: Topic;
  readonly group: string;
  /** Of the URL, for messages. */
  readonly display: string;
  /** Milliseconds. */
  readonly sessionTimeout: number;
  /** Works on the partitions of one generation until they are revoked. A rejection ends the membership. */
  readonly work: (partitions: readonly number[], revoked: AbortSignal) => Promise<void>;
  /** Called when the group has let it in, perhaps without a partition, each time. */
  readonly onJoined?: () => void;
}

/** A new member waits for the next heartbeat of all others. */
const HEARTBEAT_MS = 300;
const LEAVE_TIMEOUT_MS = 1000;
const COMMIT_EVERY_MS = 1000;
const NO_METADATA = Buffer.alloc(0);
const ANY_EPOCH = -1;

/**
 * A member of a consumer group, by which Kafka tells who reads which partitions. It says that it is ready for a rebalance
 * only once the work on its former partitions has settled, so that no two members work on one partition.
 *
 * The driver's own retries are off: on an error it would join again by itself, in the middle of a rebalance too.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #consumer: Consumer;
  readonly #ended = Promise.withResolvers<void>();
  readonly #offsets = new Map<number, number>();
  #assigned: readonly number[] = [];
  #generation: { readonly revoke: AbortController; readonly done: Promise<void> } | undefined;
  #isStopping = false;
  #joining: Promise<void> = Promise.resolve();
  #isJoining = false;
  #commitTimer: NodeJS.Timeout | undefined;

  constructor(options: GroupMemberOptions) {
    const { client, topic, group, sessionTimeout } = options;
    this.#options = options;
    this.#consumer = new Consumer({
      ...client,
      groupId: group,
      retries: 0,
      sessionTimeout,
      rebalanceTimeout: sessionTimeout,
      heartbeatInterval: Math.min(HEARTBEAT_MS, sessionTimeout / 3),
      partitionAssigner: assignPartitions,
      // Part of the join request, and so the one place that the driver waits for before it joins.
      protocolsMetadata: async () => {
        await this.#drain();
        return NO_METADATA;
      },
    });
    this.#consumer.topics.track(topic.name);
    this.#consumer.on('consumer:group:join', (joined) => this.#begin(joined));
    // After a join that failed within a heartbeat the driver does nothing more.
    this.#consumer.on('error', () => this.#join());
  }

  /** Whether this member works on the partition now. */
  has(partition: number): boolean {
    return this.#assigned.includes(partition);
  }

  /** Resolves after the signal aborted and the running work has settled. @throws what the work rejected with */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#ended.resolve();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    else this.#join();
    try {
      await this.#ended.promise;
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#leave();
    }
  }

  /** Where the group is, for Kafka's own tools; told to the broker once a second and when partitions go. */
  commit(partition: number, offset: number): void {
    this.#offsets.set(partition, offset);
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      void this.flush();
    }, COMMIT_EVERY_MS);
  }

  /** Tells the broker now; what it does not take is told again with the next offset. */
  async flush(): Promise<void> {
    if (this.#offsets.size === 0) return;
    const told = new Map(this.#offsets);
    const { name } = this.#options.topic;
    const offsets = Array.from(told, ([partition, offset]) => ({
      topic: name,
      partition,
      offset: BigInt(offset),
      leaderEpoch: ANY_EPOCH,
    }));
    try {
      await this.#consumer.commit({ offsets });
    } catch {
      // The generation may be over, or the broker away: whoever works on the partition next tells its offset again.
      return;
    }
    for (const [partition, offset] of told) {
      if (this.#offsets.get(partition) === offset) this.#offsets.delete(partition);
    }
  }

  /** What the group was told last, by partition. */
  async committed(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { name } = this.#options.topic;
    // The driver answers in the order that it was asked in, and indexes by partition: asking for all makes that one.
    // A topic that has grown since it was opened has more than were known then.
    const all = Array.from({ length: Math.max(...partitions) + 1 }, (_, partition) => partition);
    const offsets = await this.#consumer.listCommittedOffsets({ topics: [{ topic: name, partitions: all }] });
    const found = offsets.get(name) ?? [];
    return new Map(
      partitions.flatMap((partition) => {
        const offset = Number(found[partition] ?? -1);
        return offset < 0 ? [] : [[partition, offset] as const];
      }),
    );
  }

  #begin({ assignments = [] }: ConsumerGroupJoinPayload): void {
    if (this.#isStopping) return;
    const { topic, work, onJoined } = this.#options;
    this.#assigned = assignments.filter((each) => each.topic === topic.name).flatMap(({ partitions }) => partitions);
    const revoke = new AbortController();
    const working = this.#assigned.length === 0 ? Promise.resolve() : work(this.#assigned, revoke.signal);
    const done = working.catch((error: unknown) => this.#ended.reject(error));
    this.#generation = { revoke, done };
    onJoined?.();
  }

  /** Called twice at a first join, hence idempotent. */
  async #drain(): Promise<void> {
    const generation = this.#generation;
    if (generation === undefined) return;
    generation.revoke.abort();
    await generation.done;
    if (this.#generation !== generation) return;
    this.#generation = undefined;
    await this.flush();
    this.#assigned = [];
    this.#offsets.clear();
  }

  #join(): void {
    if (this.#isJoining) return;
    this.#isJoining = true;
    this.#joining = this.#joinUntilMember();
  }

  async #joinUntilMember(): Promise<void> {
    for (let attempt = 1; !this.#isStopping; attempt++) {
      try {
        await this.#consumer.joinGroup({});
        break;
      } catch (error) {
        const own = kafkaError(error, this.#options.display);
        if (!own.retry) this.#ended.reject(own);
        await sleep(retryDelay(attempt));
      }
    }
    this.#isJoining = false;
  }

  async #leave(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#commitTimer);
    await this.#drain();
    const patience = sleep(LEAVE_TIMEOUT_MS, undefined, { ref: false });
    await Promise.race([this.#sayGoodbye(), patience]);
    await Promise.race([this.#consumer.close(true), patience]);
  }

  /** Without it the others would wait for this member until its session is over. */
  async #sayGoodbye(): Promise<void> {
    // A member that the broker is just letting in has no name to leave under yet.
    await this.#joining;
    // An error changes nothing: a broker that is away finds out by the session timeout.
    await new Promise<void>((resolve) => this.#consumer.leaveGroup(true, () => resolve()));
  }
}
