import { MillraceError, type StateSchema } from '@millrace/core';
import {
  type Chunk,
  decodeChunk,
  type Dictionaries,
  encodeChunk,
  mergeChunks,
  type MinuteRows,
} from '@millrace/core/state';

import { CompactionQueue, fullTier, remainder } from './compaction.ts';
import type { Batch, Level } from './database.ts';
import { type ChunkReference, decodeDirectory, type Directory, encodeDirectory } from './directory.ts';
import { chunkKey, DIRECTORIES, directoryKey, directoryMinute } from './keys.ts';
import type { Status } from './status.ts';
import { readRange } from '../read-range.ts';

/** Directories kept in memory. */
const MAX_CACHED = 8192;
/** Rows that one commit may merge: some ten milliseconds. */
const MERGE_ROWS = 262_144;
/** Minutes that one commit removes at least, if so many are over. */
const REMOVE_MINUTES = 64;
/** Newest minutes that are looked through at start for chunks left to merge. */
const WATCH_AT_START = 64;

interface MinuteStoreOptions {
  readonly level: Level;
  readonly schema: StateSchema;
  readonly dictionaries: Dictionaries;
  readonly status: Status;
}

/** The writing side of the rollups: appends a chunk per commit and minute, merges small ones, removes old minutes. */
export class MinuteStore {
  readonly #options: MinuteStoreOptions;
  readonly #queue = new CompactionQueue();
  readonly #cache = new Map<number, Directory>();
  /** Chunks of the running commit, which the database does not show yet. */
  readonly #fresh = new Map<number, Buffer>();
  readonly #changed = new Set<number>();
  #budget = 0;
  #removedBelow = 0;

  constructor(options: MinuteStoreOptions) {
    this.#options = options;
  }

  /** Watches the newest minutes again, whose merges an earlier process may have left undone. */
  async open(): Promise<void> {
    const newest = this.#options.level.iterator({ ...DIRECTORIES, reverse: true, limit: WATCH_AT_START });
    for await (const [key, value] of newest) {
      if (decodeDirectory(value).length > 1) this.#queue.touch(directoryMinute(key), 0);
    }
  }

  begin(): void {
    this.#fresh.clear();
    this.#changed.clear();
    this.#budget = MERGE_ROWS;
  }

  append(batch: Batch, minute: number, rows: MinuteRows, appendedAt: number): void {
    const chunk = encodeChunk(rows.length, rows.columns(this.#options.schema));
    const reference = this.#put(batch, minute, chunk, rows.length, 0);
    this.#set(minute, [...this.#get(minute), reference]);
    this.#queue.touch(minute, appendedAt);
    for (;;) {
      const merged = this.#merge(batch, minute, fullTier(this.#get(minute)));
      if (!merged) return;
    }
  }

  /** Merges what is due, as far as the commit's budget goes. */
  compact(batch: Batch, clockMinute: number, appendedAt: number): void {
    for (const minute of this.#queue.take(clockMinute, appendedAt)) {
      this.#merge(batch, minute, remainder(this.#get(minute)));
      if (this.#budget <= 0) return;
    }
  }

  /** Removes minutes below `oldest`; more of them when commits bring many new ones. */
  async removeBelow(batch: Batch, oldest: number): Promise<void> {
    if (oldest <= this.#removedBelow) return;
    const limit = Math.max(REMOVE_MINUTES, 2 * this.#changed.size);
    const range = { gte: directoryKey(this.#removedBelow), lt: directoryKey(oldest), limit };
    const over = await readRange(this.#options.level.iterator(range));
    for (const [key, value] of over) {
      const minute = directoryMinute(key);
      batch.del(key);
      for (const { id } of decodeDirectory(value)) batch.del(chunkKey(minute, id));
      this.#cache.delete(minute);
      this.#changed.delete(minute);
      this.#queue.forget(minute);
      this.#removedBelow = minute + 1;
    }
    if (over.length < limit) this.#removedBelow = oldest;
  }

  /** Writes the directories of the minutes that changed. */
  finish(batch: Batch): void {
    for (const minute of this.#changed) batch.put(directoryKey(minute), encodeDirectory(this.#get(minute)));
    for (const minute of this.#cache.keys()) {
      if (this.#cache.size <= MAX_CACHED) return;
      this.#cache.delete(minute);
    }
  }

  #merge(batch: Batch, minute: number, chosen: readonly ChunkReference[]): boolean {
    if (chosen.length < 2 || this.#budget <= 0) return false;
    const rows = chosen.reduce((sum, chunk) => sum + chunk.rows, 0);
    const tier = chosen.reduce((most, chunk) => Math.max(most, chunk.tier), 0) + 1;
    const chunks = chosen.map(({ id }) => this.#read(minute, id));
    const merged = mergeChunks(chunks, this.#options.schema, this.#options.dictionaries);
    const gone = new Set(chosen.map(({ id }) => id));
    for (const id of gone) batch.del(chunkKey(minute, id));
    const rest = this.#get(minute).filter(({ id }) => !gone.has(id));
    this.#set(minute, [this.#put(batch, minute, merged, rows, Math.min(tier, 255)), ...rest]);
    this.#budget -= rows;
    return true;
  }

  #put(batch: Batch, minute: number, chunk: Buffer, rows: number, tier: number): ChunkReference {
    const id = this.#options.status.nextChunk++;
    batch.put(chunkKey(minute, id), chunk);
    this.#fresh.set(id, chunk);
    return { id, rows, tier };
  }

  #read(minute: number, id: number): Chunk {
    const { level, schema } = this.#options;
    const stored = this.#fresh.get(id) ?? level.getSync(chunkKey(minute, id), { fillCache: false });
    if (stored === undefined) throw new MillraceError('STATE_CORRUPT', `chunk ${id} of minute ${minute} is missing`);
    return decodeChunk(stored, 1 + schema.dimensions.length + schema.measures.length);
  }

  #get(minute: number): Directory {
    const cached = this.#cache.get(minute);
    if (cached !== undefined) return cached;
    const stored = this.#options.level.getSync(directoryKey(minute));
    const directory = stored === undefined ? [] : decodeDirectory(stored);
    this.#cache.set(minute, directory);
    return directory;
  }

  #set(minute: number, directory: Directory): void {
    this.#cache.delete(minute);
    this.#cache.set(minute, directory);
    this.#changed.add(minute);
  }
}
