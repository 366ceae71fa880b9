import type { Batch, Bounds, ConsumeOptions, LogReader, Offset } from '@millrace/core';
import type { RedisClient } from '../connection.ts';
import { consumeLog } from './consume.ts';
import { logClosed, noPartition, outOfRange } from './errors.ts';
import { readEntries } from './fetch.ts';
import { rangeOf } from './keys.ts';
import { type Entry, PartitionCursor } from './partition-cursor.ts';
import { boundsOf, type LogPlace } from './place.ts';
import { RELEASE } from './scripts.ts';

/** How many entries `read` asks for at a time. */
const READ_ENTRIES = 16;

/** The reading end of a log on Redis. */
export class RedisLogReader implements LogReader {
  readonly partitions: number;
  readonly #options: LogPlace;
  readonly #closed = new AbortController();
  readonly #consumers = new Set<Promise<void>>();

  constructor(options: LogPlace) {
    this.#options = options;
    this.partitions = options.partitions;
  }

  async bounds(partition: number): Promise<Bounds> {
    this.#check(partition);
    return this.#run((client) => boundsOf(client, this.#options.keys, partition));
  }

  async read(partition: number, from: Offset, maxBytes: number): Promise<Batch> {
    this.#check(partition);
    const { keys } = this.#options;
    const cursor = new PartitionCursor(partition, keys.log(partition), from);
    const records: Batch['records'][number][] = [];
    for (let budget = maxBytes; ;) {
      const entries = await this.#run((client) =>
        readEntries(client, keys.log(partition), cursor.fetched, READ_ENTRIES),
      );
      if (records.length === 0 && !startsAt(entries, from)) {
        const { earliest, next } = await this.bounds(partition);
        if (from < earliest || from > next) throw outOfRange(partition, from, earliest, next);
        // Appended or trimmed between the two calls.
        if (from < next) continue;
      }
      cursor.add(entries);
      const { batch, rest } = cursor.take(budget, records.length === 0);
      budget = rest;
      // Trimmed meanwhile: what lies behind the hole is for the next call, which will refuse it.
      if (batch?.damage !== undefined && records.length > 0) break;
      if (batch !== undefined) records.push(...batch.records);
      if (batch === undefined || budget <= 0) break;
    }
    return { partition, from, to: (records.at(-1)?.offset ?? from - 1) + 1, records };
  }

  async consume(group: string, options: ConsumeOptions): Promise<void> {
    if (this.#closed.signal.aborted) throw logClosed();
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    const consumer = consumeLog(this.#options, group, { ...options, signal });
    this.#consumers.add(consumer);
    try {
      await consumer;
    } finally {
      this.#consumers.delete(consumer);
    }
    if (!options.signal.aborted) throw logClosed();
  }

  async release(group: string, partition: number, below: Offset): Promise<void> {
    this.#check(partition);
    await this.#run((client) => RELEASE.run(client, [this.#options.keys.released(partition)], [group, below]));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#consumers);
  }

  async #run<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) throw logClosed();
    return this.#options.link.run(work, this.#closed.signal);
  }

  #check(partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.partitions) {
      throw noPartition(partition, this.partitions);
    }
  }
}

const startsAt = (entries: readonly Entry[], from: number): boolean =>
  entries[0] !== undefined && rangeOf(entries[0][0].toString('latin1')).from <= from;
