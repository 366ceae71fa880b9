import { readdir } from 'node:fs/promises';

import {
  type DeadLetter,
  type DeadLetterQuery,
  MillraceError,
  type Offset,
  type RollupQuery,
  type RollupResult,
  type StateReader,
  type StateStatistics,
  type TimelineEntry,
  type TimelineQuery,
} from '@millrace/core';
import {
  type Chunk,
  compileScans,
  decodeChunk,
  decodeRow,
  type Dictionaries,
  newDictionaries,
  planRollup,
  type RollupPlan,
  RollupScan,
  checkKind,
  WARM_MINUTES,
  warmUpQueries,
} from '@millrace/core/state';

import { ChunkCache } from './chunk-cache.ts';
import { bytesOnDisk, type Database, type Level, openDatabase, stateError, type StateLocation } from './database.ts';
import { findDeadLetter, listDeadLetters } from './dead-letters.ts';
import { decodeDirectory, type Directory } from './directory.ts';
import {
  chunkKey,
  DIRECTORIES,
  directoryKey,
  directoryMinute,
  newTimelineKey,
  timelineRange,
  timelineTime,
} from './keys.ts';
import { loadDictionaries, loadPartition, loadStatus } from './load.ts';
import { assertRoomToOpen } from './room.ts';
import { SipHash } from './sip-hash.ts';
import { readRange } from '../read-range.ts';

export interface StateReaderOptions extends StateLocation {
  /** Entries per key and kind that a timeline shows at most. */
  readonly keep: number;
  /** Memory for decoded chunks. Default 64 MiB. */
  readonly cacheBytes?: number;
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
/** Longer ranges look for the minutes that exist instead of asking for each. */
const ASK_EACH_MINUTES = 240;

type Snapshot = ReturnType<Level['snapshot']>;

/**
 * Opens a reading end of the state in this directory, in any thread of the process that writes it.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH, DATA_DIRECTORY_LOCKED, STATE_CORRUPT, INVALID_ARGUMENT
 */
export async function openEmbeddedStateReader(options: StateReaderOptions): Promise<StateReader> {
  const database = await openDatabase(options);
  const dictionaries = newDictionaries(options.schema);
  try {
    await loadDictionaries(database.level, dictionaries);
    return new EmbeddedStateReader(options, database, dictionaries);
  } catch (error) {
    await database.close();
    throw stateError(error, options.directory);
  }
}

class EmbeddedStateReader implements StateReader {
  readonly partitions: number;
  readonly #options: StateReaderOptions;
  #database: Database;
  #level: Level;
  readonly #dictionaries: Dictionaries;
  readonly #hash: SipHash;
  readonly #cache: ChunkCache;
  readonly #running = new Set<Promise<unknown>>();
  #recovering: Promise<void> | undefined;
  /** Why there is no database: it was closed to be opened again, and that failed. */
  #failure: MillraceError | undefined;
  #closed = false;
  #selection: Uint32Array = new Uint32Array(4096);

  constructor(options: StateReaderOptions, database: Database, dictionaries: Dictionaries) {
    const { level, seed } = database;
    this.partitions = options.partitions;
    this.#options = options;
    this.#database = database;
    this.#level = level;
    this.#dictionaries = dictionaries;
    this.#hash = new SipHash(seed);
    this.#cache = new ChunkCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
  }

  timeline(key: string, query: TimelineQuery): Promise<TimelineEntry[]> {
    return this.#run(async () => {
      const { schema, keep } = this.#options;
      const { kind, from, to, limit } = query;
      checkKind(kind, schema);
      const prefix = newTimelineKey();
      this.#hash.write(key, prefix, 1);
      const stored = await readRange(this.#level.iterator({ ...timelineRange(prefix, kind), limit: keep }));
      const entries: TimelineEntry[] = [];
      for (const [entryKey, value] of stored) {
        const time = timelineTime(entryKey);
        if (time < from || entries.length >= limit) break;
        if (time < to) entries.push({ time, ...(await this.#row(value)) });
      }
      return entries;
    });
  }

  rollup(query: RollupQuery): Promise<RollupResult> {
    return this.#run(async () => {
      const { schema } = this.#options;
      const snapshot = this.#level.snapshot();
      try {
        const status = loadStatus(this.#level, schema, snapshot);
        const behind = this.#dictionaries.some(
          (one, at) => one !== undefined && one.size < status.dictionarySizes[at]!,
        );
        if (behind) await loadDictionaries(this.#level, this.#dictionaries);
        const plan = planRollup(query, schema, this.#dictionaries);
        const scan = new RollupScan(plan, schema, this.#dictionaries, this.#selection);
        for await (const [minute, directory] of this.#minutes(plan, status.oldestMinute, snapshot)) {
          scan.startMinute(minute);
          for (const { id } of directory) scan.add(this.#chunk(minute, id, snapshot));
        }
        this.#selection = scan.selection;
        return scan.result();
      } finally {
        await snapshot.close();
      }
    });
  }

  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]> {
    return this.#run(() => listDeadLetters(this.#level, query));
  }

  deadLetter(id: string): Promise<DeadLetter | undefined> {
    return this.#run(async () => findDeadLetter(this.#level, id));
  }

  committed(partition: number): Promise<Offset | undefined> {
    return this.#run(async () => loadPartition(this.#level, partition)?.committed);
  }

  statistics(): Promise<StateStatistics> {
    return this.#run(async () => {
      const { directory, schema } = this.#options;
      const { clock, deadLetters, late, duplicates } = loadStatus(this.#level, schema);
      const bytes = await bytesOnDisk(directory, await readdir(directory));
      return { bytes, deadLetters, late, duplicates, ...(clock === undefined ? {} : { clock }) };
    });
  }

  async warmUp(): Promise<void> {
    compileScans(this.#options.schema);
    const newest = await this.#run(() =>
      this.#level.keys({ ...DIRECTORIES, reverse: true, limit: WARM_MINUTES }).all(),
    );
    await warmUpQueries(this, newest.map(directoryMinute).toReversed());
  }

  /** A failed write leaves LevelDB refusing writes until it is opened again, and all threads share one of it. */
  async recover(): Promise<void> {
    await assertRoomToOpen(this.#options.directory);
    this.#recovering ??= this.#reopen().finally(() => (this.#recovering = undefined));
    await this.#recovering;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([this.#recovering]);
    await this.#database.close();
  }

  async #reopen(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#database.close();
    try {
      this.#database = await openDatabase(this.#options);
      this.#level = this.#database.level;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = new MillraceError('STORE_FAILED', 'the state cannot be opened again: mend the disk', {
        cause: error,
      });
      throw this.#failure;
    }
  }

  async #run<T>(step: () => Promise<T>): Promise<T> {
    if (this.#recovering !== undefined) await Promise.allSettled([this.#recovering]);
    if (this.#closed) {
      throw new MillraceError('STATE_CLOSED', 'the state is closed: open it again to go on');
    }
    if (this.#failure !== undefined) throw this.#failure;
    const running = step();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw stateError(error, this.#options.directory);
    } finally {
      this.#running.delete(running);
    }
  }

  async #row(value: Buffer): Promise<Omit<TimelineEntry, 'time'>> {
    const { schema } = this.#options;
    const row = decodeRow(value, schema, this.#dictionaries);
    if (row !== undefined) return row;
    await loadDictionaries(this.#level, this.#dictionaries);
    const again = decodeRow(value, schema, this.#dictionaries);
    if (again !== undefined) return again;
    throw new MillraceError('STATE_CORRUPT', 'a timeline entry names an unknown dictionary entry');
  }

  /** The minutes of the plan that exist. */
  async *#minutes(plan: RollupPlan, oldest: number, snapshot: Snapshot): AsyncGenerator<[number, Directory]> {
    const from = Math.max(plan.from, oldest);
    if (plan.to - from <= ASK_EACH_MINUTES) {
      // Asking synchronously avoids a turn through the thread pool, where the log's syncs queue.
      for (let minute = from; minute < plan.to; minute++) {
        const stored = this.#level.getSync(directoryKey(minute), { snapshot });
        if (stored !== undefined) yield [minute, decodeDirectory(stored)];
      }
      return;
    }
    const range = { gte: directoryKey(from), lt: directoryKey(plan.to), snapshot };
    for await (const [key, value] of this.#level.iterator(range)) yield [directoryMinute(key), decodeDirectory(value)];
  }

  #chunk(minute: number, id: number, snapshot: Snapshot): Chunk {
    const cached = this.#cache.get(id);
    if (cached !== undefined) return cached;
    const stored = this.#level.getSync(chunkKey(minute, id), { snapshot, fillCache: false });
    if (stored === undefined) throw new MillraceError('STATE_CORRUPT', `chunk ${id} of minute ${minute} is missing`);
    const { dimensions, measures } = this.#options.schema;
    const chunk = decodeChunk(stored, 1 + dimensions.length + measures.length);
    this.#cache.set(id, chunk);
    return chunk;
  }
}
