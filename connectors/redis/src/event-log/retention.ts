import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core';
import type { RedisClient } from '../connection.ts';
import type { Link } from '../link.ts';
import type { LogKeys } from './keys.ts';
import { FORCE, RETENTION } from './scripts.ts';

export interface RetentionOptions {
  readonly link: Link;
  readonly keys: LogKeys;
  readonly partitions: number;
  /** Released records older than this go, milliseconds. */
  readonly retentionMs: number;
  /** Above so many bytes of memory, over all partitions, the oldest records go, released or not. */
  readonly maxBytes: number;
  /** How often, milliseconds. */
  readonly intervalMs: number;
  readonly logger: Logger | undefined;
}

/** Removing a little more often than needed costs less than a time index that is too coarse. */
const NOTES_PER_RETENTION = 20;
/** Of a stream, to guess its size. */
const SAMPLES = 20;

/** Trims a log. Several processes may do so at once: each only removes what may go. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #bytes = 0;
  #forced = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#running = this.#loop();
  }

  /** Memory of the log in Redis, as of the last run. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Records that were removed before they were released. */
  get forcedRemovals(): number {
    return this.#forced;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.run();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger?.error({ err: error }, 'cannot trim the log: trying again');
      }
      // Rejects only when it is closed.
      await sleep(this.#options.intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Removes what may go now. */
  async run(): Promise<void> {
    const { link, partitions } = this.#options;
    const { signal } = this.#stopped;
    const sizes: number[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      sizes.push(await link.run((client) => this.#trimReleased(client, partition), signal));
    }
    this.#bytes = sizes.reduce((sum, size) => sum + size, 0);
    const { maxBytes } = this.#options;
    if (this.#bytes <= maxBytes) return;
    for (const [partition, size] of sizes.entries()) {
      await link.run((client) => this.#trimForced(client, partition, maxBytes / this.#bytes, size), signal);
    }
  }

  /** @returns the bytes that are left */
  async #trimReleased(client: RedisClient, partition: number): Promise<number> {
    const { keys, retentionMs } = this.#options;
    const names = [keys.next(partition), keys.times(partition), keys.released(partition), keys.log(partition)];
    const noteMs = Math.max(1, Math.floor(retentionMs / NOTES_PER_RETENTION));
    await RETENTION.run(client, names, [retentionMs, noteMs]);
    return Number(await client.memory('USAGE', keys.log(partition), 'SAMPLES', SAMPLES)) || 0;
  }

  /** Keeps this part of the stream, by number of entries. */
  async #trimForced(client: RedisClient, partition: number, part: number, size: number): Promise<void> {
    const { keys, logger } = this.#options;
    const names = [keys.log(partition), keys.next(partition), keys.released(partition)];
    const answer = (await FORCE.run(client, names, [part])) as readonly string[];
    const [before, earliest, lowest] = answer.map(Number) as [number, number, number];
    const lost = earliest - Math.max(before, lowest);
    if (lost <= 0) return;
    this.#forced += lost;
    logger?.error(
      { partition, records: lost, below: earliest, bytes: size },
      'the log is larger than its limit: records were removed that not every consumer had',
    );
  }
}
