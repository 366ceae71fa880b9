import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import {
  checkValue,
  expiryOf,
  type KeyValueStore,
  MillraceError,
  type SetOptions,
  type Version,
  type Versioned,
} from '@millrace/core';
import { ClassicLevel } from 'classic-level';

import { addDecimal } from './decimal.ts';
import { ExpirySweep } from './expiry-sweep.ts';
import {
  dataKey,
  decodeEntry,
  encodeEntry,
  keyText,
  prefixRange,
  type StoredEntry,
  valueOf,
  VERSION_BYTES,
  versionOf,
} from './key-value-entry.ts';
import { levelCode } from './lock.ts';
import { type Level, WriteQueue } from './write-queue.ts';

export interface EmbeddedKeyValueStoreOptions {
  /** Canonical path of a data directory that the caller has opened; the store lies in `kv/` there. */
  readonly directory: string;
  /** Whether a write waits until it survives a power loss too. Default false: synced once a second. */
  readonly syncAlways?: boolean;
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/**
 * Opens the key-value store of a data directory. One at a time may be open.
 *
 * A write that has resolved survives `kill -9`; without `syncAlways` a power loss may take the writes of the last
 * second. After a failed write every later one is refused with STORE_FAILED.
 *
 * @throws DATA_DIRECTORY_LOCKED when another thread has it open, STORE_FAILED when LevelDB cannot open its files.
 */
export async function openEmbeddedKeyValueStore(options: EmbeddedKeyValueStoreOptions): Promise<KeyValueStore> {
  const location = join(options.directory, 'kv');
  const level: Level = new ClassicLevel(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await level.open();
  } catch (error) {
    if (levelCode(error) === 'LEVEL_LOCKED') {
      throw new MillraceError(
        'DATA_DIRECTORY_LOCKED',
        `the key-value store ${location} is open elsewhere in this process: close it there, or open it once and share it`,
        { field: 'directory', value: options.directory, cause: error },
      );
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new MillraceError(
      'STORE_FAILED',
      `the key-value store ${location} cannot be opened: ${String(cause)}. Restore it from a backup, or remove that ` +
        'directory to start with an empty one',
      { field: 'directory', value: options.directory, cause: error },
    );
  }
  return new EmbeddedKeyValueStore(level, options.syncAlways ?? false, options.now ?? Date.now);
}

class EmbeddedKeyValueStore implements KeyValueStore {
  readonly #level: Level;
  readonly #queue: WriteQueue;
  readonly #sweep: ExpirySweep;
  readonly #now: () => number;
  /** Random per opening, then counted up: no version comes twice, whatever a crash has forgotten. */
  readonly #version = randomBytes(VERSION_BYTES);
  #writes = 0;
  #closing: Promise<void> | undefined;

  constructor(level: Level, syncAlways: boolean, now: () => number) {
    this.#level = level;
    this.#now = now;
    this.#queue = new WriteQueue(level, { syncAlways });
    this.#sweep = new ExpirySweep(level, this.#queue, now);
  }

  async getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]> {
    this.#checkOpen();
    const records = await this.#level.getMany(keys.map(dataKey));
    const now = this.#now();
    return records.map((record) => {
      const entry = record === undefined ? undefined : live(decodeEntry(record), now);
      return entry && { value: valueOf(entry), version: versionOf(entry), expiresAt: entry.expiresAt };
    });
  }

  async set(key: string, value: Uint8Array, options: SetOptions = {}): Promise<Version | undefined> {
    this.#checkOpen();
    checkValue(value);
    const now = this.#now();
    const name = dataKey(key);
    const expiresAt = options.ttlMs === 'keep' ? undefined : expiryOf(options.ttlMs, now);
    const stored = this.#queue.current(name);
    const found = live(stored, now);
    if (options.if !== undefined && options.if !== (found === undefined ? 'absent' : versionOf(found)))
      return undefined;
    const entry = encodeEntry(value, this.#nextVersion(), options.ttlMs === 'keep' ? found?.expiresAt : expiresAt);
    await this.#queue.replace(name, stored, entry);
    return versionOf(entry);
  }

  async delete(key: string, options: { readonly if?: Version } = {}): Promise<boolean> {
    this.#checkOpen();
    const name = dataKey(key);
    const stored = this.#queue.current(name);
    const found = live(stored, this.#now());
    if (found === undefined || (options.if !== undefined && options.if !== versionOf(found))) return false;
    await this.#queue.replace(name, stored, undefined);
    return true;
  }

  async increment(key: string, by: bigint, options: { readonly ttlMs?: number } = {}): Promise<bigint> {
    this.#checkOpen();
    const now = this.#now();
    const name = dataKey(key);
    const expiresAt = expiryOf(options.ttlMs, now);
    const stored = this.#queue.current(name);
    const found = live(stored, now);
    const sum = addDecimal(key, found === undefined ? undefined : valueOf(found), by);
    const text = Buffer.from(sum.toString());
    const entry = encodeEntry(text, this.#nextVersion(), found === undefined ? expiresAt : found.expiresAt);
    await this.#queue.replace(name, stored, entry);
    return sum;
  }

  async *scan(prefix: string): AsyncGenerator<string> {
    this.#checkOpen();
    for await (const [key, record] of this.#level.iterator(prefixRange(prefix))) {
      if (live(decodeEntry(record), this.#now()) !== undefined) yield keyText(key);
      this.#checkOpen();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#sweep.stop();
      await this.#queue.close();
    } finally {
      await this.#level.close();
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new MillraceError('NOT_RUNNING', 'the key-value store is closed: open it again');
  }

  #nextVersion(): Uint8Array {
    this.#writes++;
    this.#version.writeUIntBE(this.#writes, VERSION_BYTES - 6, 6);
    return this.#version;
  }
}

function live(entry: StoredEntry | undefined, now: number): StoredEntry | undefined {
  return entry?.expiresAt !== undefined && entry.expiresAt <= now ? undefined : entry;
}
