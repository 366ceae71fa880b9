import {
  type CommitResult,
  hasCode,
  MillraceError,
  type Offset,
  type PartitionChange,
  type StateWriter,
} from '@millrace/core';
import {
  accept,
  type Accepted,
  CommitTimes,
  type DeadLetterPlace,
  EventClock,
  EventEncoder,
  minuteOf,
  type Newest,
  parseDeadLetterId,
  latestClock,
  SerialSteps,
} from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import { CommitCall } from './commit-call.ts';
import { DEDUPE_MS, Dedupe } from './dedupe.ts';
import { deadLetterEntry, type StateKeys } from './keys.ts';
import { type OwnedPartition, staleOwner, Takeover } from './owned-partition.ts';
import { COMMIT } from './scripts.ts';
import { readStatuses } from './status.ts';
import { closedError, type RedisStateOptions } from './store.ts';
import { syncLag } from './synced.ts';
import { TimelineTrim } from './timeline-trim.ts';

/** What other writers have committed is looked at so often, for the event clock. */
const OTHERS_MS = 1000;
/** The settings of the server are read again so often. */
const SYNC_LAG_TTL_MS = 10_000;

/** The writing end of a state on Redis. Commits of one writer run one after the other, their partitions side by side. */
export class RedisStateWriter implements StateWriter {
  readonly partitions: number;
  readonly #options: RedisStateOptions;
  readonly #link: BoundedLink;
  readonly #keys: StateKeys;
  readonly #takeover: Takeover;
  readonly #owned = new Map<number, OwnedPartition>();
  /** Tokens of partitions that have to be read again, because a commit failed; undefined where another owns it now. */
  readonly #doubtful = new Map<number, string | undefined>();
  readonly #times = new Map<number, CommitTimes>();
  readonly #dedupe: Dedupe;
  readonly #trim: TimelineTrim;
  readonly #encoder: EventEncoder;
  readonly #steps = new SerialSteps();
  #clock: EventClock;
  #oldestMinute = 0;
  #othersReadAt = 0;
  #syncLag: { readonly lag: number | undefined; readonly at: number } | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RedisStateOptions) {
    const { link, keys, schema, partitions, keep, dictionaryLimit } = options;
    this.partitions = partitions;
    this.#options = options;
    this.#link = link;
    this.#keys = keys;
    this.#takeover = new Takeover({ link, keys, schema, dictionaryLimit });
    this.#dedupe = new Dedupe(link, keys);
    this.#trim = new TimelineTrim(link, keys, keep);
    this.#encoder = new EventEncoder(schema);
    this.#clock = new EventClock(Array.from({ length: partitions }), undefined);
  }

  /** Asks Redis: another writer may have taken the partition over. It is this writer's afterwards. */
  committed(partition: number): Promise<Offset | undefined> {
    return this.#enqueue(async () => {
      const owned = await this.#takeover.take(partition);
      this.#own(partition, owned);
      return owned.committed;
    });
  }

  async synced(partition: number): Promise<Offset | undefined> {
    if (this.#closing !== undefined) throw closedError();
    const now = Date.now();
    if (this.#syncLag === undefined || now - this.#syncLag.at > SYNC_LAG_TTL_MS) {
      this.#syncLag = { lag: await this.#link.run(syncLag), at: now };
    }
    const { lag } = this.#syncLag;
    if (lag === undefined) return undefined;
    return lag === 0 ? this.#owned.get(partition)?.committed : this.#times.get(partition)?.committedBy(now - lag);
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
    await this.#link.close();
  }

  async #enqueue<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closedError();
    return this.#steps.run(step);
  }

  async #commit(changes: readonly PartitionChange[]): Promise<CommitResult> {
    for (const { partition } of changes) await this.#ensureOwned(partition);
    await this.#readOthers();
    const accepted = accept(changes, {
      schema: this.#options.schema,
      partitions: this.partitions,
      committed: (partition) => this.#owned.get(partition)?.committed,
    });
    const { redelivered } = accepted;
    if (accepted.to.size === 0) return { applied: 0, redelivered, duplicates: 0, late: 0 };
    const duplicates = await this.#dedupe.duplicates(accepted);
    accepted.events.forEach(({ time, appendedAt }, at) => {
      this.#clock.observe(accepted.eventPartitions[at]!, time, appendedAt);
    });
    const clock = this.#clock.read();
    if (clock !== undefined) {
      this.#oldestMinute = Math.max(this.#oldestMinute, minuteOf(clock - this.#options.retentionMs), 0);
    }
    const calls = this.#calls(accepted, duplicates);
    await this.#resolveElsewhere(accepted, calls);
    const sent = [...calls].map(([partition, call]) => this.#send(partition, call, accepted.to.get(partition)!));
    // All settled first: nothing of this commit may be under way when the next one begins.
    const failed = (await Promise.allSettled(sent)).find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    let late = 0;
    for (const call of calls.values()) late += call.late;
    return { applied: accepted.events.length - duplicates.size, redelivered, duplicates: duplicates.size, late };
  }

  #calls(accepted: Accepted, duplicates: ReadonlySet<number>): Map<number, CommitCall> {
    const { schema } = this.#options;
    const calls = new Map<number, CommitCall>();
    for (const partition of accepted.to.keys()) {
      calls.set(partition, new CommitCall(schema, this.#keys.timelines(partition)));
    }
    const { events, eventPartitions } = accepted;
    for (let at = 0; at < events.length; at++) {
      const partition = eventPartitions[at]!;
      const call = calls.get(partition)!;
      const event = events[at]!;
      if (duplicates.has(at)) {
        call.duplicates++;
        continue;
      }
      call.addEvent(event, this.#owned.get(partition)!.dictionaries, this.#oldestMinute, this.#encoder);
      if (event.dedupeKey !== undefined) call.seen.push(event.appendedAt, event.dedupeKey);
    }
    for (const { partition, letter } of accepted.deadLetters) calls.get(partition)!.addDeadLetter(letter);
    return calls;
  }

  /**
   * Dead letters of partitions that are not in the commit lie elsewhere on a Cluster. They go first: the record that
   * resolves them is in the log, so it is applied even if this commit never is.
   */
  async #resolveElsewhere({ resolved }: Accepted, calls: ReadonlyMap<number, CommitCall>): Promise<void> {
    const elsewhere: DeadLetterPlace[] = [];
    for (const id of resolved) {
      const place = parseDeadLetterId(id);
      if (place === undefined || place.partition >= this.partitions) continue;
      const call = calls.get(place.partition);
      if (call === undefined) elsewhere.push(place);
      else call.resolved.push(deadLetterEntry(place.offset));
    }
    await Promise.all(
      elsewhere.map(({ partition, offset }) =>
        this.#link.run((client) => client.xdel(this.#keys.deadLetters(partition), deadLetterEntry(offset))),
      ),
    );
  }

  async #send(partition: number, call: CommitCall, to: Offset): Promise<void> {
    const owned = this.#owned.get(partition)!;
    const newest = this.#clock.newest(partition);
    const chunks = call.chunks();
    const names = [
      this.#keys.owner(partition),
      this.#keys.status(partition),
      this.#keys.dictionary(partition),
      this.#keys.minutes(partition),
      this.#keys.seen(partition),
      this.#keys.deadLetters(partition),
    ];
    const values = [
      owned.token,
      owned.committed ?? '',
      to,
      call.timelines,
      this.#trim.stepBytes,
      owned.dictionaryLog.take(),
      newest?.time ?? '',
      newest?.appendedAt ?? '',
      this.#clock.read() ?? '',
      call.late,
      call.duplicates,
      this.#oldestMinute,
      newest === undefined ? '' : newest.appendedAt - DEDUPE_MS,
      this.#keys.rollups(partition),
      ...[chunks, call.seen, call.letters].flatMap((list) => [list.length / 2, ...list]),
      ...call.resolved,
    ];
    let answer: readonly Buffer[];
    try {
      answer = (await this.#link.run((client) => COMMIT.runBuffer(client, names, values))) as readonly Buffer[];
      const outcome = answer[0]?.toString();
      if (outcome === 'STALE') throw staleOwner(partition);
      if (outcome === 'MOVED') throw this.#movedError(partition, owned.committed);
    } catch (error) {
      // Memory is ahead of what Redis may have: read it again before the next commit.
      this.#owned.delete(partition);
      this.#doubtful.set(partition, hasCode(error, 'STALE_OWNER') ? undefined : owned.token);
      throw error;
    }
    owned.committed = to;
    this.#times.get(partition)!.add(to, Date.now());
    const full = answer.slice(1);
    if (full.length > 0) this.#trimLater(partition, owned.token, full);
  }

  /** Not before the commit has resolved: what is too long is only longer than needed. */
  #trimLater(partition: number, token: string, keys: readonly Buffer[]): void {
    this.#steps
      .run(() => this.#trim.trim(partition, token, keys))
      .catch((error: unknown) => this.#options.logger?.warn({ err: error }, 'timelines stay longer than needed'));
  }

  async #ensureOwned(partition: number): Promise<void> {
    if (this.#owned.has(partition) || !(partition >= 0 && partition < this.partitions)) return;
    if (!this.#doubtful.has(partition)) {
      this.#own(partition, await this.#takeover.take(partition));
      return;
    }
    const token = this.#doubtful.get(partition);
    if (token === undefined) throw staleOwner(partition);
    this.#own(partition, await this.#takeover.takeAgain(partition, token));
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
    const statuses = await readStatuses(this.#link, this.#keys, this.partitions);
    const newest: (Newest | undefined)[] = statuses.map((status) => status.newest);
    this.#clock = new EventClock(newest, latestClock(statuses));
    this.#othersReadAt = now;
  }

  #movedError(partition: number, expected: Offset | undefined): MillraceError {
    return new MillraceError(
      'COMMIT_GAP',
      `partition ${partition} of the state is no longer at ${expected}, which Redis had confirmed: it lost its last ` +
        'writes. Read again from its committed offset',
      { field: 'from', value: expected },
    );
  }
}
