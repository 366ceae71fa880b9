import { type CommitResult, MillraceError, type Offset, type PartitionChange, type StateWriter } from '@millrace/core';
import {
  accept,
  type Accepted,
  ByteWriter,
  canonicalInt32,
  type Dictionaries,
  encodeDeadLetter,
  encodeRow,
  EventClock,
  MINUTE_MS,
  minuteOf,
  MinuteRows,
  newDictionaries,
  SerialSteps,
} from '@millrace/core/state';

import { deadLetterKeyOf } from './dead-letters.ts';
import { type Database, type Level, openDatabase, stateError, type StateLocation } from './database.ts';
import { Dedupe } from './dedupe.ts';
import { deadLetterKey, dictionaryKey, newTimelineKey, partitionKey, setTimelineKey, STATUS_KEY } from './keys.ts';
import { loadDictionaries, loadPartition, loadStatus } from './load.ts';
import { MinuteStore } from './minute-store.ts';
import { SipHash } from './sip-hash.ts';
import { encodePartition, encodeStatus, type Status } from './status.ts';
import { TimelineTrim } from './timeline-trim.ts';

export interface StateWriterOptions extends StateLocation {
  /** Entries per key and kind that readers see. */
  readonly keep: number;
  /** Rollups older than this by the event clock go. Milliseconds. */
  readonly retentionMs: number;
  /** Most entries of a dimension's dictionary, for tests. Default 65,535. */
  readonly dictionaryLimit?: number;
}

type ChainedBatch = ReturnType<Level['batch']> & { put(key: Buffer, value: Buffer): unknown };

/**
 * Opens the writing end of the state in this directory. One at a time: the data directory's lock sees to that.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH, DATA_DIRECTORY_LOCKED, STATE_CORRUPT, INVALID_ARGUMENT
 */
export async function openEmbeddedStateWriter(options: StateWriterOptions): Promise<StateWriter> {
  const database = await openDatabase(options);
  try {
    const status = loadStatus(database.level, options.schema);
    const dictionaries = newDictionaries(options.schema, options.dictionaryLimit);
    await loadDictionaries(database.level, dictionaries);
    const minutes = new MinuteStore({ level: database.level, schema: options.schema, dictionaries, status });
    await minutes.open();
    return new EmbeddedStateWriter(options, database, { status, dictionaries, minutes });
  } catch (error) {
    await database.close();
    throw stateError(error, options.directory);
  }
}

interface Loaded {
  readonly status: Status;
  readonly dictionaries: Dictionaries;
  readonly minutes: MinuteStore;
}

class EmbeddedStateWriter implements StateWriter {
  readonly partitions: number;
  readonly #options: StateWriterOptions;
  readonly #database: Database;
  readonly #level: Level;
  readonly #loaded: Loaded;
  readonly #committed: (Offset | undefined)[];
  readonly #clock: EventClock;
  readonly #hash: SipHash;
  readonly #dedupe: Dedupe;
  readonly #trim: TimelineTrim;
  readonly #key = newTimelineKey();
  readonly #row = new ByteWriter();
  readonly #steps = new SerialSteps();
  #failure: MillraceError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StateWriterOptions, database: Database, loaded: Loaded) {
    const { level, seed } = database;
    this.partitions = options.partitions;
    this.#options = options;
    this.#database = database;
    this.#level = level;
    this.#loaded = loaded;
    const stored = Array.from({ length: this.partitions }, (_, partition) => loadPartition(level, partition));
    this.#committed = stored.map((partition) => partition?.committed);
    this.#clock = new EventClock(
      stored.map((partition) => partition?.newest),
      loaded.status.clock,
    );
    this.#hash = new SipHash(seed);
    this.#dedupe = new Dedupe(level, this.#hash);
    this.#trim = new TimelineTrim(level, options.keep);
  }

  async committed(partition: number): Promise<Offset | undefined> {
    this.#assertUsable();
    return this.#committed[partition];
  }

  /** Every commit is synced, and LevelDB writes what it finds in its log at open to a synced table. */
  synced(partition: number): Promise<Offset | undefined> {
    return this.committed(partition);
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
    await this.#database.close();
  }

  #enqueue<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    return this.#steps.run(() => {
      this.#assertWritable();
      return step();
    });
  }

  async #commit(changes: readonly PartitionChange[]): Promise<CommitResult> {
    const accepted = accept(changes, {
      schema: this.#options.schema,
      partitions: this.partitions,
      committed: (partition) => this.#committed[partition],
    });
    const { redelivered } = accepted;
    if (accepted.to.size === 0) return { applied: 0, redelivered, duplicates: 0, late: 0 };
    const batch = this.#level.batch() as ChainedBatch;
    try {
      const counts = await this.#fill(batch, accepted);
      // LevelDB does not sync a log that it rotates away from: with unsynced commits, a power loss could take some from
      // the middle and leave later ones.
      await batch.write({ sync: true });
      for (const [partition, to] of accepted.to) this.#committed[partition] = to;
      return { ...counts, redelivered };
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #fill(batch: ChainedBatch, accepted: Accepted): Promise<Omit<CommitResult, 'redelivered'>> {
    const { status, minutes } = this.#loaded;
    minutes.begin();
    this.#dedupe.begin();
    const duplicate = this.#observe(batch, accepted);
    status.clock = this.#clock.read();
    if (status.clock !== undefined) {
      const oldest = Math.max(0, minuteOf(status.clock - this.#options.retentionMs));
      status.oldestMinute = Math.max(status.oldestMinute, oldest);
    }
    const counts = this.#addEvents(batch, accepted, duplicate);
    await minutes.removeBelow(batch, status.oldestMinute);
    minutes.compact(batch, minuteOf(status.clock ?? 0), this.#clock.appendedAt);
    minutes.finish(batch);
    await this.#trim.trim(batch);
    for (const partition of new Set(accepted.eventPartitions)) {
      await this.#dedupe.expire(batch, partition, this.#clock.newest(partition)?.appendedAt ?? 0);
    }
    this.#putDeadLetters(batch, accepted);
    this.#putDictionaries(batch);
    for (const [partition, committed] of accepted.to) {
      batch.put(partitionKey(partition), encodePartition({ committed, newest: this.#clock.newest(partition) }));
    }
    status.late += counts.late;
    status.duplicates += counts.duplicates;
    batch.put(STATUS_KEY, encodeStatus(status));
    return counts;
  }

  /** Moves the clock and finds the duplicates; the clock decides which of the same commit's events are late. */
  #observe(batch: ChainedBatch, { events, eventPartitions }: Accepted): ReadonlySet<number> {
    const duplicates = new Set<number>();
    events.forEach(({ time, appendedAt, dedupeKey }, at) => {
      const partition = eventPartitions[at]!;
      this.#clock.observe(partition, time, appendedAt);
      if (dedupeKey !== undefined && this.#dedupe.seen(batch, dedupeKey, partition, appendedAt)) duplicates.add(at);
    });
    return duplicates;
  }

  #addEvents(
    batch: ChainedBatch,
    { events, eventPartitions }: Accepted,
    duplicates: ReadonlySet<number>,
  ): Omit<CommitResult, 'redelivered'> {
    const { dictionaries, minutes, status } = this.#loaded;
    const { schema } = this.#options;
    const key = this.#key;
    const numbers: number[] = schema.dimensions.map(() => 0);
    const byMinute = new Map<number, MinuteRows>();
    let late = 0;
    for (let at = 0; at < events.length; at++) {
      if (duplicates.size > 0 && duplicates.has(at)) continue;
      const event = events[at]!;
      for (let dimension = 0; dimension < numbers.length; dimension++) {
        const text = event.dimensions[dimension]!;
        numbers[dimension] = dictionaries[dimension]?.intern(text) ?? canonicalInt32(text);
      }
      this.#hash.write(event.key, key, 1);
      setTimelineKey(key, event.kind, event.time, event.offset, eventPartitions[at]!);
      encodeRow(this.#row.reset(), schema, numbers, event.dimensions, event.measures);
      batch.put(key, this.#row.view());
      this.#trim.count(key, event.kind);

      const minute = Math.floor(event.time / MINUTE_MS);
      if (minute < status.oldestMinute) {
        late++;
        continue;
      }
      let rows = byMinute.get(minute);
      if (rows === undefined) byMinute.set(minute, (rows = new MinuteRows(numbers.length)));
      rows.add(event, numbers);
    }
    for (const [minute, rows] of byMinute) minutes.append(batch, minute, rows, this.#clock.appendedAt);
    return { applied: events.length - duplicates.size, duplicates: duplicates.size, late };
  }

  #putDeadLetters(batch: ChainedBatch, { deadLetters, resolved }: Accepted): void {
    const { status } = this.#loaded;
    const present = new Set<string>();
    const gone = new Set<string>();
    for (const { partition, letter } of deadLetters) {
      batch.put(deadLetterKey(partition, letter.offset), encodeDeadLetter(letter));
      present.add(`${partition}-${letter.offset}`);
      status.deadLetters++;
    }
    for (const id of resolved) {
      const key = deadLetterKeyOf(id);
      if (key === undefined || gone.has(id)) continue;
      if (!present.has(id) && this.#level.getSync(key) === undefined) continue;
      batch.del(key);
      gone.add(id);
      status.deadLetters--;
    }
  }

  #putDictionaries(batch: ChainedBatch): void {
    const { dictionaries, status } = this.#loaded;
    dictionaries.forEach((dictionary, dimension) => {
      if (dictionary === undefined) return;
      for (let id = status.dictionarySizes[dimension]!; id < dictionary.size; id++) {
        batch.put(dictionaryKey(dimension, id), Buffer.from(dictionary.value(id)));
      }
      status.dictionarySizes[dimension] = dictionary.size;
    });
  }

  /**
   * After a failed write, memory is ahead of the database and LevelDB's own log may end in half a record: nothing more
   * is written until the state is opened again, which reads what really is there.
   */
  #fail(error: unknown): MillraceError {
    const cause = stateError(error, this.#options.directory);
    this.#failure ??=
      cause.code === 'STATE_CORRUPT'
        ? cause
        : new MillraceError(
            'STORE_FAILED',
            `the state in ${this.#options.directory} could not be written: ${cause.message}. ` +
              'Make room or mend the disk, then start again; the log is applied from where the state ends',
            { cause: error },
          );
    return this.#failure;
  }

  #assertUsable(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

const closedError = (): MillraceError =>
  new MillraceError('STATE_CLOSED', 'the state is closed: open it again to go on');
