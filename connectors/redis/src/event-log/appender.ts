import { randomUUID } from 'node:crypto';
import { checkRecords, type LogAppender, type NewRecord, partitionOf, type Position } from '@millrace/core';
import type { RedisClient } from '../connection.ts';
import { isReply } from '../errors.ts';
import type { Link } from '../link.ts';
import { AppendCall } from './append-call.ts';
import { inDoubtBefore, isFull, logClosed, logFull, queueFull } from './errors.ts';
import type { LogKeys } from './keys.ts';
import { Lane } from './lane.ts';
import { APPEND } from './scripts.ts';

/** Redis forgets a producer that has not appended for so long: far beyond any connection that may still bring a copy. */
const PRODUCER_TTL_MS = 24 * 60 * 60 * 1000;
const EXPIRY_CHECK_MS = 100;

export interface AppenderOptions {
  readonly link: Link;
  readonly keys: LogKeys;
  readonly partitions: number;
  /** How long records gather before they are sent, milliseconds. */
  readonly lingerMs: number;
  /** After so long without an answer an append is rejected, milliseconds. */
  readonly timeoutMs: number;
  /** Bytes that may wait for Redis. */
  readonly maxWaitingBytes: number;
}

/** The writing end of a log on Redis. */
export class RedisLogAppender implements LogAppender {
  readonly partitions: number;
  readonly #options: AppenderOptions;
  readonly #lanes: readonly Lane[];
  readonly #expiry: NodeJS.Timeout;
  /** Lanes that have something to send at the next turn. */
  #due: (() => void)[] = [];
  #waitingBytes = 0;
  #roundRobin = 0;
  #closing: Promise<void> | undefined;

  constructor(options: AppenderOptions) {
    const { link, keys, partitions, timeoutMs } = options;
    this.#options = options;
    this.partitions = partitions;
    // A process of its own makes a producer of its own: a restarted one has nothing under way that it could repeat.
    const producer = randomUUID();
    this.#lanes = Array.from({ length: partitions }, (_, partition) => {
      const names = [keys.log(partition), keys.next(partition), keys.producer(partition, producer)];
      return new Lane({
        partition,
        schedule: this.#schedule,
        send: (sequence, frame, records) =>
          sendOnce(link, (client) => APPEND.run(client, names, [sequence, records, frame, PRODUCER_TTL_MS])),
        onBytes: (change) => (this.#waitingBytes += change),
      });
    });
    const expire = (): void => {
      for (const lane of this.#lanes) lane.expire(performance.now() - timeoutMs, timeoutMs);
    };
    this.#expiry = setInterval(expire, EXPIRY_CHECK_MS).unref();
  }

  async append(records: readonly NewRecord[]): Promise<readonly Position[]> {
    if (this.#closing !== undefined) throw logClosed();
    checkRecords(records, this.partitions);
    if (records.length === 0) return [];
    if (this.#waitingBytes >= this.#options.maxWaitingBytes) throw queueFull(this.#waitingBytes);
    const call = new AppendCall(records.length);
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      this.#lanes[record.partition ?? this.#choose(record.key)]!.add(record, call, i);
    }
    return call.promise;
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#lanes.map((lane) => lane.drained())).then(() => clearInterval(this.#expiry));
    return this.#closing;
  }

  readonly #schedule = (flush: () => void): void => {
    this.#due.push(flush);
    if (this.#due.length > 1) return;
    const { lingerMs } = this.#options;
    // Not at once: what the same turn of the event loop appends goes along.
    if (lingerMs === 0) setImmediate(this.#flushDue);
    else setTimeout(this.#flushDue, lingerMs);
  };

  readonly #flushDue = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const flush of due) flush();
  };

  #choose(key: string | undefined): number {
    return key === undefined ? this.#roundRobin++ % this.partitions : partitionOf(key, this.partitions);
  }
}

/** Sends until there is an answer. @throws LOG_FULL and others for what was not written; LOG_FAILED for what may have been */
async function sendOnce(link: Link, send: (client: RedisClient) => Promise<unknown>): Promise<number> {
  let isUnanswered = false;
  try {
    return await link.run(async (client) => {
      const wasUnanswered = isUnanswered;
      isUnanswered = true;
      try {
        return Number(await send(client));
      } catch (error) {
        if (isReply(error)) isUnanswered = wasUnanswered;
        throw isFull(error) ? logFull(error) : error;
      }
    });
  } catch (error) {
    throw isUnanswered ? inDoubtBefore(error as Error) : error;
  }
}
