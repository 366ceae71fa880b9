import { MillraceError } from '@millrace/core';

import type { Topic } from '../topic.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { Leaders } from './leaders.ts';
import { outcomesOf } from './outcome.ts';
import { PartitionQueue, type PendingRecord } from './partition-queue.ts';

export interface TopicWriterOptions extends LaneOptions {
  readonly topic: Topic;
  /** Of the URL, for messages. */
  readonly display: string;
  /** Milliseconds that a record may wait for others. */
  readonly linger: number;
  /** Milliseconds after which a call is told that it failed. */
  readonly deliveryTimeout: number;
}

/** The driver never splits a batch, and brokers refuse larger ones; in bytes, with room for headers of batch and records. */
const MAX_BATCH_BYTES = 1_000_000;
/** Of all partitions in one request. */
const MAX_REQUEST_BYTES = 8_000_000;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** What waits unsent is given up a little before what is under way: it would only be sent to be in doubt. */
const UNSENT_SHARE = 0.9;
const EXPIRIES = 20;

interface LeaderLane {
  readonly lane: Lane;
  partitions: number[];
  bytes: number;
  isBusy: boolean;
  isWaiting: boolean;
}

/**
 * Sends records to the leaders of their partitions: what waits for one leader goes out together, in one request at a
 * time, so that records of a partition keep their order and many callers share a round trip.
 */
export class TopicWriter {
  readonly #options: TopicWriterOptions;
  readonly #leaders: Leaders;
  readonly #queues: readonly PartitionQueue[];
  readonly #maxBatchBytes: number;
  readonly #lanes = new Map<number, LeaderLane>();
  /** By partition; undefined while nobody leads it. */
  #laneOf: (LeaderLane | undefined)[] = [];
  #pendingBytes = 0;
  #drained: (() => void) | undefined;
  #isClosed = false;
  readonly #expiry: NodeJS.Timeout;

  constructor(options: TopicWriterOptions) {
    const { client, topic, deliveryTimeout } = options;
    this.#options = options;
    this.#leaders = new Leaders({
      client,
      topic: topic.name,
      onLeaders: (leaders) => this.#assign(leaders),
      isMissing: () => this.#queues.some((queue, which) => queue.length > 0 && this.#laneOf[which] === undefined),
    });
    this.#queues = Array.from({ length: topic.partitions }, () => new PartitionQueue());
    this.#maxBatchBytes = Math.min(MAX_BATCH_BYTES, topic.maxMessageBytes);
    const unsentMs = UNSENT_SHARE * deliveryTimeout;
    this.#expiry = setInterval(() => this.#expire(performance.now() - unsentMs), deliveryTimeout / EXPIRIES);
    this.#expiry.unref();
  }

  /** Bytes that wait for their confirmation. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @throws QUEUE_FULL, and then none of a call's bytes may be written */
  reserve(bytes: number): void {
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > MAX_PENDING_BYTES) {
      throw new MillraceError(
        'QUEUE_FULL',
        `Kafka at ${this.#options.display} is slower than what is sent, or away: ${this.#pendingBytes} bytes wait; try again later`,
      );
    }
    this.#pendingBytes += bytes;
  }

  /** Takes a record whose bytes are reserved; its call is told what became of it. */
  write(record: PendingRecord): void {
    this.#queues[record.partition]!.push(record);
    const lane = this.#laneOf[record.partition];
    if (lane === undefined) {
      this.#leaders.ask();
      return;
    }
    lane.bytes += record.bytes;
    this.#schedule(lane);
  }

  /** Waits until nothing is under way, at most for the delivery timeout. */
  async close(): Promise<void> {
    if (this.#pendingBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.#release();
  }

  /** Gives up what is under way, which is in doubt then, and what waits. */
  async destroy(): Promise<void> {
    this.#expire(Infinity);
    await this.#release();
  }

  async #release(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#expiry);
    await this.#leaders.close();
    await Promise.all([...this.#lanes.values()].map(({ lane }) => lane.close()));
  }

  #schedule(leader: LeaderLane): void {
    if (leader.isBusy || leader.bytes === 0) return;
    const { linger } = this.#options;
    if (leader.bytes >= this.#maxBatchBytes) {
      void this.#run(leader);
    } else if (!leader.isWaiting) {
      leader.isWaiting = true;
      const run = (): void => {
        leader.isWaiting = false;
        void this.#run(leader);
      };
      // A timer of nothing would still take a millisecond.
      if (linger === 0) setImmediate(run);
      else setTimeout(run, linger);
    }
  }

  async #run(leader: LeaderLane): Promise<void> {
    if (leader.isBusy) return;
    leader.isBusy = true;
    let batch = this.#take(leader);
    // Nothing to take: what waits is under way to a former leader, and its end schedules this one again.
    const isIdle = batch.length === 0;
    while (batch.length > 0) {
      await this.#send(leader.lane, batch);
      batch = this.#isRipe(leader) ? this.#take(leader) : [];
    }
    leader.isBusy = false;
    if (!isIdle) this.#schedule(leader);
  }

  /** Whether to send again at once: what came during the last request has most often waited for long enough. */
  #isRipe(leader: LeaderLane): boolean {
    if (leader.bytes >= this.#maxBatchBytes) return true;
    const oldest = performance.now() - this.#options.linger;
    return leader.partitions.some((partition) => (this.#queues[partition]!.first?.since ?? Infinity) <= oldest);
  }

  #take(leader: LeaderLane): PendingRecord[] {
    const batch: PendingRecord[] = [];
    let bytes = 0;
    // The next request begins with another partition, so that none starves when requests are full.
    leader.partitions.push(...leader.partitions.splice(0, 1));
    for (const partition of leader.partitions) {
      const queue = this.#queues[partition]!;
      if (queue.isUnderWay || queue.length === 0 || bytes >= MAX_REQUEST_BYTES) continue;
      bytes += queue.take(batch, this.#maxBatchBytes);
      queue.isUnderWay = true;
    }
    leader.bytes -= bytes;
    return batch;
  }

  async #send(lane: Lane, batch: PendingRecord[]): Promise<void> {
    const oldest = batch.reduce((least, { since }) => Math.min(least, since), Infinity);
    const timeoutMs = oldest + this.#options.deliveryTimeout - performance.now();
    try {
      const offsets = await lane.send(batch, timeoutMs);
      this.#settle(batch, (partition) => ({ offset: offsets.get(partition) ?? NaN }));
    } catch (error) {
      this.#settle(batch, outcomesOf(error, this.#options.display));
    }
  }

  /** The records of a batch stand together by partition. */
  #settle(batch: readonly PendingRecord[], outcomeOf: ReturnType<typeof outcomesOf>): void {
    for (let at = 0; at < batch.length;) {
      const { partition } = batch[at]!;
      let end = at + 1;
      while (end < batch.length && batch[end]!.partition === partition) end++;
      this.#queues[partition]!.isUnderWay = false;
      this.#settlePartition(batch.slice(at, end), outcomeOf(partition));
      const lane = this.#laneOf[partition];
      if (lane !== undefined) this.#schedule(lane);
      at = end;
    }
  }

  #settlePartition(records: readonly PendingRecord[], outcome: ReturnType<ReturnType<typeof outcomesOf>>): void {
    const { partition } = records[0]!;
    if ('offset' in outcome) {
      this.#leaders.succeeded();
      for (let i = 0; i < records.length; i++) {
        const record = records[i]!;
        this.#pendingBytes -= record.bytes;
        record.call?.written(record.index, partition, outcome.offset + i);
      }
    } else {
      const { error, inDoubt, mayPass } = outcome;
      const before = performance.now() - this.#options.deliveryTimeout;
      const again: PendingRecord[] = [];
      for (const record of records) {
        if (mayPass && !this.#isClosed && record.since >= before) {
          again.push(record);
        } else {
          this.#pendingBytes -= record.bytes;
          record.call?.failed(record.index, error, inDoubt);
        }
      }
      if (again.length > 0) this.#putBack(partition, again);
    }
    if (this.#pendingBytes === 0) this.#drained?.();
  }

  #putBack(partition: number, records: readonly PendingRecord[]): void {
    this.#queues[partition]!.putBack(records);
    const lane = this.#laneOf[partition];
    this.#laneOf[partition] = undefined;
    if (lane !== undefined) lane.partitions = lane.partitions.filter((each) => each !== partition);
    this.#leaders.askLater();
  }

  #expire(before: number): void {
    for (const [partition, queue] of this.#queues.entries()) {
      const expired = queue.expire(before);
      if (expired.length === 0) continue;
      const lane = this.#laneOf[partition];
      if (lane !== undefined) lane.bytes -= expired.reduce((sum, { bytes }) => sum + bytes, 0);
      const { display } = this.#options;
      const message = `Kafka at ${display} cannot be reached: nothing was written in time`;
      const error = new MillraceError('UNAVAILABLE', message, { field: 'url', value: display });
      this.#settlePartition(expired, { error, inDoubt: false, mayPass: false });
    }
  }

  #assign(leaders: readonly number[]): void {
    for (const leader of this.#lanes.values()) {
      leader.partitions = [];
      leader.bytes = 0;
    }
    this.#laneOf = this.#queues.map((queue, partition) => {
      const leader = leaders[partition] ?? -1;
      if (leader < 0) return undefined;
      const lane = this.#laneTo(leader);
      lane.partitions.push(partition);
      lane.bytes += queue.bytes;
      return lane;
    });
    for (const leader of this.#lanes.values()) this.#schedule(leader);
  }

  #laneTo(leader: number): LeaderLane {
    const known = this.#lanes.get(leader);
    if (known !== undefined) return known;
    const lane: LeaderLane = {
      lane: new Lane(this.#options),
      partitions: [],
      bytes: 0,
      isBusy: false,
      isWaiting: false,
    };
    this.#lanes.set(leader, lane);
    return lane;
  }
}
