import {
  MillraceError,
  type Batch,
  type Bounds,
  type ConsumeOptions,
  type Damage,
  type LogReader,
  type LogRecord,
} from '@millrace/core';
import { listSegments, READ_BYTES, StorageError, type Disk, type Watermark } from '@millrace/storage';
import { consumeLog } from './consume.ts';
import { LogCursor, REMOVED } from './cursor.ts';
import { logClosed, outOfRange, toLogError } from './errors.ts';
import type { LogSource } from './source.ts';
import { takeRecords } from './take-records.ts';

/** Smallest buffer that is read into: fewer bytes cost as many system calls. */
const LEAST_READ_BYTES = 64 * 1024;

/** The reading end, the same in the owner's thread and in any other: only its source differs. */
export class SegmentLogReader implements LogReader {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #source: LogSource;
  /** Where the last `read` of a partition ended, so that reading on does not search again. */
  readonly #cursors = new Map<number, LogCursor>();
  readonly #closing = new AbortController();
  readonly #consumers = new Set<Promise<void>>();

  constructor(disk: Disk, directory: string, source: LogSource) {
    this.#disk = disk;
    this.#directory = directory;
    this.#source = source;
  }

  get partitions(): number {
    return this.#source.partitions;
  }

  async bounds(partition: number): Promise<Bounds> {
    this.#check(partition);
    // In this order: what is removed in between only makes the range too wide, never empty.
    const { offset, segment } = await this.#source.watermark();
    const [earliest] = await this.#guard(() => listSegments(this.#disk, this.#directory));
    return { earliest: Math.min(earliest ?? segment, segment), next: offset };
  }

  async read(partition: number, from: number, maxBytes: number): Promise<Batch> {
    this.#check(partition);
    const watermark = await this.#source.watermark();
    const cached = this.#cursors.get(partition);
    this.#cursors.delete(partition);
    let cursor = cached;
    if (cursor?.offset !== from) {
      await cached?.close();
      await this.#checkRange(partition, from, watermark.offset);
      cursor = new LogCursor(this.#disk, this.#directory, from);
    }
    let batch: Batch;
    try {
      batch = await this.#readWith(cursor, watermark, partition, maxBytes);
    } catch (error) {
      await cursor.close();
      throw toLogError(error);
    }
    if (this.#closing.signal.aborted || this.#cursors.has(partition)) await cursor.close();
    else this.#cursors.set(partition, cursor);
    return batch;
  }

  async consume(group: string, options: ConsumeOptions): Promise<void> {
    if (this.#closing.signal.aborted) throw logClosed();
    await this.#guard(() => this.#source.join(group));
    const running = this.#consumeJoined(group, options);
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#consumers.add(settled);
    try {
      await running;
    } finally {
      this.#consumers.delete(settled);
    }
  }

  release(group: string, partition: number, below: number): Promise<void> {
    this.#check(partition);
    return this.#source.release(group, partition, below);
  }

  /** Ends running consumers and waits for their `handle`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#consumers);
    for (const cursor of this.#cursors.values()) await cursor.close();
    this.#cursors.clear();
  }

  async #consumeJoined(group: string, options: ConsumeOptions): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const bounds = (): Promise<Bounds> => this.bounds(0);
    try {
      const place = { disk: this.#disk, directory: this.#directory, source: this.#source, bounds };
      await consumeLog(place, { ...options, signal });
    } catch (error) {
      // What `handle` rejected with is the caller's own and stays as it is.
      throw error instanceof StorageError ? toLogError(error) : error;
    } finally {
      await this.#source.leave(group);
    }
  }

  async #readWith(cursor: LogCursor, watermark: Watermark, partition: number, maxBytes: number): Promise<Batch> {
    const from = cursor.offset;
    const records: LogRecord[] = [];
    const damage: Damage[] = [];
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, Math.max(LEAST_READ_BYTES, maxBytes)));
    const wanted = Array.from({ length: this.partitions }, (_, p) => (p === partition ? from : Infinity));
    const sink = {
      from: wanted,
      records: wanted.map((_, p) => (p === partition ? records : [])),
      budget: maxBytes,
      taken: 0,
    };
    let to = from;
    while (records.length === 0 && cursor.offset < watermark.offset) {
      const stretch = await cursor.next(watermark, buffer);
      for (const lost of stretch.damage) {
        if (lost.reason === REMOVED) throw outOfRange(partition, from, lost.to);
        this.#source.damaged(lost.place, lost.reason);
        if (partition === 0) damage.push(lost);
      }
      to = takeRecords(cursor, stretch, sink);
    }
    return { partition, from, to, records, ...(damage.length > 0 ? { damage } : {}) };
  }

  async #checkRange(partition: number, from: number, next: number): Promise<void> {
    const { earliest } = await this.bounds(partition);
    if (from < earliest || from > next) throw outOfRange(partition, from, earliest, next);
  }

  #check(partition: number): void {
    if (this.#closing.signal.aborted) throw logClosed();
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitions) return;
    throw new MillraceError('INVALID_ARGUMENT', `there is no partition ${partition}`, {
      field: 'partition',
      value: partition,
      accepted: `an integer from 0 to ${this.partitions - 1}`,
    });
  }

  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw toLogError(error);
    }
  }
}
