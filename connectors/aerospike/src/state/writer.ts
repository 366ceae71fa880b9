import { type CommitResult, MillraceError, type Offset, type PartitionChange, type StateWriter } from '@millrace/core';
import {
  type Accepted,
  accept,
  CommitTimes,
  EventClock,
  EventEncoder,
  minuteOf,
  latestClock,
  SerialSteps,
} from '@millrace/core/state';

import type { Records } from '../records.ts';
import { DeadLetters, letterSection } from './dead-letters.ts';
import { Dedupe, type Duplicates } from './dedupe.ts';
import type { StateKeys } from './keys.ts';
import { MinuteRemoval } from './minute-removal.ts';
import { type OwnedPartition, take, takeAgain } from './owned-partition.ts';
import { PartitionCommit } from './partition-commit.ts';
import { plainWrite, settle } from './pending-write.ts';
import {
  changeError,
  CLOCK_BINS,
  OWNER_BINS,
  readStatuses,
  refusalOf,
  type StatusChange,
  statusWrite,
} from './status.ts';
import { type AerospikeStateOptions, closedError } from './store.ts';

/** What other writers have committed is looked at so often, for the event clock. */
const OTHERS_MS = 1000;
/** How often a commit begins again because a writer that was taken over still adds to a dictionary. */
const ATTEMPTS = 5;

/**
 * The writing end of a state on Aerospike. Commits of one writer run one after the other.
 *
 * Aerospike changes one record at a time, so a commit is many steps, in this order: new dictionary entries, then
 * timelines, rollups, dead letters and dedupe keys, then per partition the status, which makes the commit count. A step
 * is applied only to a record that does not have it yet; after a crash the next owner does the same events again.
 */
export class AerospikeStateWriter implements StateWriter {
  readonly partitions: number;
  readonly #options: AerospikeStateOptions;
  readonly #records: Records;
  readonly #keys: StateKeys;
  readonly #owned = new Map<number, OwnedPartition>();
  /** Epochs of partitions that have to be read again, because a commit failed. */
  readonly #doubtful = new Map<number, number>();
  readonly #times = new Map<number, CommitTimes>();
  readonly #dedupe: Dedupe;
  readonly #letters: DeadLetters;
  readonly #removal: MinuteRemoval;
  readonly #encoder: EventEncoder;
  readonly #steps = new SerialSteps();
  #clock: EventClock;
  #oldestMinute = 0;
  #othersReadAt = 0;
  #closing: Promise<void> | undefined;

  constructor(options: AerospikeStateOptions) {
    const { records, keys, schema, partitions, info } = options;
    this.partitions = partitions;
    this.#options = options;
    this.#records = records;
    this.#keys = keys;
    this.#dedupe = new Dedupe(records, keys, info.takesTtl);
    this.#letters = new DeadLetters(records, keys, partitions);
    this.#removal = new MinuteRemoval(records, keys);
    this.#encoder = new EventEncoder(schema);
    this.#clock = new EventClock(Array.from({ length: partitions }), undefined);
  }

  /** Asks Aerospike: another writer may have taken the partition over. It is this writer's afterwards. */
  committed(partition: number): Promise<Offset | undefined> {
    return this.#enqueue(async () => {
      const owned = await take(this.#options, partition);
      this.#own(partition, owned);
      return owned.committed;
    });
  }

  async synced(partition: number): Promise<Offset | undefined> {
    this.#records.assertOpen();
    const { syncLagMs } = this.#options.info;
    if (syncLagMs === undefined) return undefined;
    if (syncLagMs === 0) return this.#owned.get(partition)?.committed;
    return this.#times.get(partition)?.committedBy(Date.now() - syncLagMs);
  }

  commit(changes: readonly PartitionChange[]): Promise<CommitResult> {
    return this.#enqueue(() => this.#commit(changes));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#steps.settled();
    await this.#records.close();
  }

  async #enqueue<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closedError();
    return this.#steps.run(step);
  }

  async #commit(changes: readonly PartitionChange[]): Promise<CommitResult> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const result = await this.#tryCommit(changes);
      if (result !== undefined) return result;
    }
    throw new MillraceError(
      'UNAVAILABLE',
      'another writer adds to the same dictionaries all the time: stop one of them',
    );
  }

  /** Undefined when a dictionary has changed under the commit's hands, and nothing was written but entries. */
  async #tryCommit(changes: readonly PartitionChange[]): Promise<CommitResult | undefined> {
    await Promise.all(changes.map(({ partition }) => this.#ensureOwned(partition)));
    await this.#checkOwned(changes);
    await this.#readOthers();
    const accepted = accept(changes, {
      schema: this.#options.schema,
      partitions: this.partitions,
      committed: (partition) => this.#owned.get(partition)?.committed,
    });
    const { events, eventPartitions, redelivered, to } = accepted;
    if (to.size === 0) return { applied: 0, redelivered, duplicates: 0, late: 0 };
    const duplicates = await this.#dedupe.check(accepted, (partition) => ({
      epoch: this.#owned.get(partition)!.epoch,
      from: this.#from(partition, changes),
    }));
    events.forEach(({ time, appendedAt }, at) => this.#clock.observe(eventPartitions[at]!, time, appendedAt));
    const clock = this.#clock.read();
    if (clock !== undefined) {
      this.#oldestMinute = Math.max(this.#oldestMinute, minuteOf(clock - this.#options.retentionMs), 0);
    }
    const commits = this.#gather(changes, accepted, duplicates);
    try {
      if (!(await this.#storeDictionaries(commits.keys()))) {
        for (const partition of to.keys()) this.#doubt(partition);
        return undefined;
      }
      await this.#write(commits, accepted, duplicates);
    } catch (error) {
      // Memory is ahead of what Aerospike may have: read it again before the next commit.
      for (const partition of to.keys()) this.#doubt(partition);
      throw error;
    }
    let late = 0;
    for (const commit of commits.values()) late += commit.late;
    const dropped = duplicates.places.size;
    return { applied: events.length - dropped, redelivered, duplicates: dropped, late };
  }

  #gather(
    changes: readonly PartitionChange[],
    { events, eventPartitions, to }: Accepted,
    duplicates: Duplicates,
  ): Map<number, PartitionCommit> {
    const { records, keys, schema, keep, partitions } = this.#options;
    const limits = { keep, kinds: schema.kinds.length, partitions };
    const options = { records, keys, schema, limits, encoder: this.#encoder };
    const commits = new Map<number, PartitionCommit>();
    for (const partition of to.keys()) {
      const owned = this.#owned.get(partition)!;
      commits.set(partition, new PartitionCommit(options, partition, owned, this.#from(partition, changes)));
    }
    events.forEach((event, at) => {
      const commit = commits.get(eventPartitions[at]!)!;
      if (duplicates.places.has(at)) commit.duplicates++;
      else commit.addEvent(event, this.#oldestMinute);
    });
    return commits;
  }

  /** Where the commit begins in the partition. */
  #from(partition: number, changes: readonly PartitionChange[]): Offset {
    const { committed } = this.#owned.get(partition)!;
    return committed ?? changes.find((change) => change.partition === partition)!.from;
  }

  async #storeDictionaries(partitions: Iterable<number>): Promise<boolean> {
    const chains = [...partitions].map((partition) => this.#owned.get(partition)!.dictionaryChain);
    const stored = await Promise.all(chains.map((chain) => chain.store()));
    return stored.every(Boolean);
  }

  async #write(
    commits: ReadonlyMap<number, PartitionCommit>,
    accepted: Accepted,
    duplicates: Duplicates,
  ): Promise<void> {
    const all = [...commits];
    const writes = await Promise.all(all.map(([, commit]) => commit.writes()));
    const letters = [...Map.groupBy(accepted.deadLetters, ({ partition }) => partition)].flatMap(
      ([partition, some]) => {
        for (const { letter } of some) this.#owned.get(partition)!.letterSections.add(letterSection(letter.offset));
        return this.#letters.additions(
          partition,
          some.map(({ letter }) => letter),
        );
      },
    );
    await settle(this.#records, [...writes.flat(), ...[...letters, ...duplicates.writes].map(plainWrite)]);
    await this.#letters.remove(accepted.resolved);
    for (const [partition, commit] of all) commit.settle(accepted.to.get(partition)!);
    await this.#writeStatuses(all, accepted.to);
  }

  async #writeStatuses(
    commits: readonly (readonly [number, PartitionCommit])[],
    to: ReadonlyMap<number, Offset>,
  ): Promise<void> {
    const clock = this.#clock.read();
    const changes = commits.map(([partition, { late, duplicates }]): StatusChange => {
      const owned = this.#owned.get(partition)!;
      const { epoch, committed, dictionaryChain, recent, minutes, letterSections } = owned;
      return {
        epoch,
        before: committed,
        to: to.get(partition)!,
        newest: this.#clock.newest(partition),
        clock,
        late,
        duplicates,
        entries: dictionaryChain.entries,
        recent,
        minutes,
        oldestMinute: this.#oldestMinute,
        letterSections,
      };
    });
    const applied = await this.#records.write(
      changes.map((change, at) => statusWrite(this.#records, this.#keys, commits[at]![0], change)),
    );
    const refused = commits.flatMap(([partition], at) => (applied[at] === true ? [] : [{ partition, at }]));
    const stored = refused.length === 0 ? [] : await readStatuses(this.#records, this.#keys, this.partitions);
    let failure: Error | undefined;
    commits.forEach(([partition], at) => {
      const refusal = applied[at] === true ? undefined : refusalOf(changes[at]!, stored[partition]!, partition);
      if (refusal === undefined) this.#committedTo(partition, changes[at]!.to);
      failure ??= refusal;
    });
    if (failure !== undefined) throw failure;
  }

  #committedTo(partition: number, to: Offset): void {
    const owned = this.#owned.get(partition)!;
    owned.committed = to;
    owned.minutes.changed = false;
    owned.letterSections.changed = false;
    this.#times.get(partition)!.add(to, Date.now());
    const over = this.#removal.over(owned.minutes, this.#oldestMinute);
    if (over.length === 0) return;
    // Not before the commit has resolved: readers do not see these minutes any more.
    this.#steps
      .run(() => this.#removal.remove(partition, over, owned.minutes))
      .catch((error: unknown) => this.#options.logger?.warn({ err: error }, 'old rollups stay longer than needed'));
  }

  #doubt(partition: number): void {
    const owned = this.#owned.get(partition);
    if (owned === undefined) return;
    this.#owned.delete(partition);
    this.#doubtful.set(partition, owned.epoch);
  }

  async #ensureOwned(partition: number): Promise<void> {
    if (this.#owned.has(partition) || !(partition >= 0 && partition < this.partitions)) return;
    const epoch = this.#doubtful.get(partition);
    const owned = epoch === undefined ? take(this.#options, partition) : takeAgain(this.#options, partition, epoch);
    this.#own(partition, await owned);
  }

  /** Before anything is written: a server that came back empty would take it for the beginning. */
  async #checkOwned(changes: readonly PartitionChange[]): Promise<void> {
    const partitions = [...new Set(changes.map(({ partition }) => partition))].filter((one) => this.#owned.has(one));
    const statuses = await readStatuses(this.#records, this.#keys, partitions, OWNER_BINS);
    const errors = partitions.map((partition, at) =>
      changeError(partition, this.#owned.get(partition)!, statuses[at]!),
    );
    const error = errors.find((one) => one !== undefined);
    if (error === undefined) return;
    for (const partition of partitions) this.#doubt(partition);
    throw error;
  }

  #own(partition: number, owned: OwnedPartition): void {
    this.#owned.set(partition, owned);
    this.#doubtful.delete(partition);
    const times = new CommitTimes();
    if (owned.committed !== undefined) times.add(owned.committed, Date.now());
    this.#times.set(partition, times);
    // What this writer had observed may never have been committed: the clock starts again from what is stored.
    this.#othersReadAt = 0;
  }

  /** Moves the clock by what the other partitions hold. Theirs only ever rises, so an old view makes nothing late. */
  async #readOthers(): Promise<void> {
    const now = Date.now();
    const isWhole = this.#othersReadAt > 0 && this.#owned.size === this.partitions;
    if (isWhole || now - this.#othersReadAt < OTHERS_MS) return;
    const statuses = await readStatuses(this.#records, this.#keys, this.partitions, CLOCK_BINS);
    const newest = statuses.map((status) => status.newest);
    this.#clock = new EventClock(newest, latestClock(statuses));
    // Also of a writer that kept minutes for less long.
    this.#oldestMinute = Math.max(this.#oldestMinute, ...statuses.map(({ oldestMinute }) => oldestMinute));
    this.#othersReadAt = now;
  }
}
