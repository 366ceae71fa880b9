import { MillraceError, toMillraceError } from '@millrace/core';
import type { BatchOperation, ClassicLevel } from 'classic-level';

import { decodeEntry, expiryKey, type StoredEntry, SYNC_MARK } from './key-value-entry.ts';

export type Level = ClassicLevel<Buffer, Buffer>;

/** How long a write may wait for its sync when not every write is synced. */
const SYNC_INTERVAL_MS = 1000;
/** Writes that wait may hold so many bytes. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

type Operation = BatchOperation<Level, Buffer, Buffer>;

/** Writes that reach LevelDB as one batch. */
interface Group {
  readonly operations: Operation[];
  /** Last entry of each key in it, by the key's bytes as latin1; undefined where the key is removed. */
  readonly entries: Map<string, StoredEntry | undefined>;
  readonly written: PromiseWithResolvers<void>;
  bytes: number;
}

/**
 * Orders all writes of the store and gathers those that wait into one LevelDB batch. A write is decided against
 * `current`, which sees what is queued, and queued in the same synchronous step: that makes it atomic without locks.
 */
export class WriteQueue {
  readonly #level: Level;
  readonly #syncAlways: boolean;
  #waiting: Group | undefined;
  #writing: Group | undefined;
  #draining: Promise<void> | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncDue = false;
  #failure: MillraceError | undefined;

  constructor(level: Level, options: { readonly syncAlways: boolean }) {
    this.#level = level;
    this.#syncAlways = options.syncAlways;
  }

  /** What the key will be once everything queued is written. */
  current(key: Buffer): StoredEntry | undefined {
    const name = key.toString('latin1');
    for (const group of [this.#waiting, this.#writing]) {
      if (group?.entries.has(name) === true) return group.entries.get(name);
    }
    const record = this.#level.getSync(key);
    return record === undefined ? undefined : decodeEntry(record);
  }

  /**
   * Queues `entry` (undefined removes the key) in place of `previous`, which `current` gave in the same synchronous
   * step. Resolves when it survives the end of the process, and when every write is synced, a power loss.
   *
   * @throws QUEUE_FULL; STORE_FAILED, which leaves in doubt what was written
   */
  async replace(key: Buffer, previous: StoredEntry | undefined, entry: StoredEntry | undefined): Promise<void> {
    const operations: Operation[] = [];
    if (previous?.expiresAt !== undefined && previous.expiresAt !== entry?.expiresAt) {
      operations.push({ type: 'del', key: expiryKey(key, previous.expiresAt) });
    }
    if (entry === undefined) operations.push({ type: 'del', key });
    else operations.push({ type: 'put', key, value: entry.record });
    if (entry?.expiresAt !== undefined) {
      operations.push({ type: 'put', key: expiryKey(key, entry.expiresAt), value: NOTHING });
    }
    const group = this.#enqueue(operations, key.length + (entry?.record.length ?? 0));
    group.entries.set(key.toString('latin1'), entry);
    return group.written.promise;
  }

  /** Removes an expiry key that no entry stands behind. */
  async forget(key: Buffer): Promise<void> {
    return this.#enqueue([{ type: 'del', key }], key.length).written.promise;
  }

  /** Waits for what is queued and brings it to the disk. @throws STORE_FAILED when that did not work */
  async close(): Promise<void> {
    await this.#draining;
    if (this.#syncTimer === undefined || this.#failure !== undefined) return;
    clearTimeout(this.#syncTimer);
    await this.#sync();
  }

  #enqueue(operations: readonly Operation[], bytes: number): Group {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting ??= { operations: [], entries: new Map(), written: Promise.withResolvers(), bytes: 0 };
    if (this.#waiting.bytes + bytes > MAX_WAITING_BYTES) {
      throw new MillraceError('QUEUE_FULL', 'too many writes wait for the disk: await some before starting more');
    }
    this.#waiting.bytes += bytes;
    this.#waiting.operations.push(...operations);
    this.#draining ??= this.#drain();
    return this.#waiting;
  }

  async #drain(): Promise<void> {
    // Everything that is started in the same turn of the event loop goes into one batch.
    await Promise.resolve();
    while (this.#waiting !== undefined) {
      const group = this.#waiting;
      this.#writing = group;
      this.#waiting = undefined;
      try {
        await this.#write(group);
        group.written.resolve();
      } catch (error) {
        this.#fail(error, group);
      }
      this.#writing = undefined;
    }
    this.#draining = undefined;
  }

  async #write(group: Group): Promise<void> {
    const sync = this.#syncAlways || this.#syncDue;
    this.#syncDue = false;
    await this.#level.batch(group.operations, { sync });
    if (sync) return;
    this.#syncTimer ??= setTimeout(() => {
      // A failure here is told to every later writer.
      this.#sync().catch((error: unknown) => (this.#failure ??= toMillraceError(error)));
    }, SYNC_INTERVAL_MS).unref();
  }

  /** Has the next batch synced, which takes the earlier ones along. */
  async #sync(): Promise<void> {
    this.#syncTimer = undefined;
    this.#syncDue = true;
    await this.#enqueue([{ type: 'put', key: SYNC_MARK, value: NOTHING }], SYNC_MARK.length).written.promise;
  }

  /**
   * After a failed write LevelDB's own log may end in half a record, which hides what follows it from recovery. So
   * nothing is written after it, and what waits, decided on top of what has failed, fails too.
   */
  #fail(error: unknown, group: Group): void {
    this.#failure = new MillraceError(
      'STORE_FAILED',
      `the key-value store could not write to ${this.#level.location}: ${toMillraceError(error).message}. ` +
        'Make room or mend the disk, then start again; what was acknowledged is kept',
      { cause: error },
    );
    group.written.reject(this.#failure);
    this.#waiting?.written.reject(this.#failure);
    this.#waiting = undefined;
  }
}
