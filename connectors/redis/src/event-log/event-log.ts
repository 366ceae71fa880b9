import {
  type Batch,
  type Bounds,
  type ConsumeOptions,
  type EventLog,
  type EventLogOptions,
  type LogReader,
  type LogStatistics,
  MillraceError,
  type NewRecord,
  type Offset,
  type Position,
} from '@millrace/core';
import { parseRedisUrl, type RedisAddress } from '../address.ts';
import { Link } from '../link.ts';
import { RedisLogAppender } from './appender.ts';
import { durabilityProblems, notDurable } from './durability.ts';
import { LogKeys } from './keys.ts';
import { eventLogOptions } from './options.ts';
import type { LogPlace } from './place.ts';
import { RedisLogReader } from './reader.ts';
import { Retention } from './retention.ts';
import { agreeOnPartitions, partitionsOf } from './settings.ts';

const DEFAULT_RETENTION_MS = 24 * 60 * 60 * 1000;
const DEFAULT_MAX_BYTES = 20e9;

/**
 * Opens the log at a Redis URL for appending and reading, and makes it when there is none.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, PARTITIONS_MISMATCH, UNAVAILABLE, UNAUTHORIZED
 */
export async function openRedisEventLog(url: string, options: EventLogOptions): Promise<EventLog> {
  const { logger } = options;
  const { address, values } = parseRedisUrl(url, eventLogOptions);
  const keys = new LogKeys(values.prefix);
  const link = new Link(address, {
    onLost: (error) => logger?.warn({ err: error }, 'lost the connection to Redis: connecting again'),
  });
  try {
    if (values.durable !== 'ignore') {
      const problems = await link.once(durabilityProblems);
      if (problems.length > 0 && values.durable === 'require') throw notDurable(problems);
      if (problems.length > 0) {
        logger?.warn({ problems }, 'this Redis can lose events that it has confirmed: see docs/redis.md');
      }
    }
    const partitions = await link.once((client) => agreeOnPartitions(client, keys, options.partitions));
    return new RedisEventLog(placeOf(address, link, keys, partitions, values), values, options);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/**
 * Opens a log for reading only.
 *
 * @throws NOT_RUNNING when there is no log yet; INVALID_OPTION, UNKNOWN_OPTION, UNAVAILABLE, UNAUTHORIZED
 */
export async function openRedisLogReader(url: string): Promise<LogReader> {
  const { address, values } = parseRedisUrl(url, eventLogOptions);
  const keys = new LogKeys(values.prefix);
  const link = new Link(address);
  try {
    const partitions = await link.once((client) => partitionsOf(client, keys));
    if (partitions === undefined) {
      const message = `there is no log ${keys.settings()} at ${address.display} yet: start what appends to it first`;
      throw new MillraceError('NOT_RUNNING', message, { field: 'url', value: address.display });
    }
    return new LinkedReader(placeOf(address, link, keys, partitions, values));
  } catch (error) {
    await link.close();
    throw error;
  }
}

type Values = ReturnType<typeof parseRedisUrl<(typeof eventLogOptions)['definitions']>>['values'];

const placeOf = (address: RedisAddress, link: Link, keys: LogKeys, partitions: number, values: Values): LogPlace => ({
  address,
  link,
  keys,
  partitions,
  fetchIntervalMs: values.fetchInterval,
  leaseMs: values.lease,
});

/** Closes its connection with itself. */
class LinkedReader extends RedisLogReader {
  readonly #link: Link;

  constructor(place: LogPlace) {
    super(place);
    this.#link = place.link;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#link.close();
  }
}

class RedisEventLog implements EventLog {
  readonly partitions: number;
  readonly #link: Link;
  readonly #appender: RedisLogAppender;
  readonly #reader: RedisLogReader;
  readonly #retention: Retention;

  constructor(place: LogPlace, values: Values, options: EventLogOptions) {
    const { link, keys, partitions } = place;
    const { retentionMs = DEFAULT_RETENTION_MS, maxBytes = DEFAULT_MAX_BYTES, logger } = options;
    const { linger: lingerMs, appendTimeout: timeoutMs, maxWaiting: maxWaitingBytes, trimInterval } = values;
    this.partitions = partitions;
    this.#link = link;
    this.#appender = new RedisLogAppender({ link, keys, partitions, lingerMs, timeoutMs, maxWaitingBytes });
    this.#reader = new RedisLogReader(place);
    this.#retention = new Retention({
      link,
      keys,
      partitions,
      retentionMs,
      maxBytes,
      intervalMs: trimInterval,
      logger,
    });
  }

  append(records: readonly NewRecord[]): Promise<readonly Position[]> {
    return this.#appender.append(records);
  }

  bounds(partition: number): Promise<Bounds> {
    return this.#reader.bounds(partition);
  }

  read(partition: number, from: Offset, maxBytes: number): Promise<Batch> {
    return this.#reader.read(partition, from, maxBytes);
  }

  consume(group: string, options: ConsumeOptions): Promise<void> {
    return this.#reader.consume(group, options);
  }

  release(group: string, partition: number, below: Offset): Promise<void> {
    return this.#reader.release(group, partition, below);
  }

  /** Memory of the log in Redis, as of the last trimming. */
  statistics(): LogStatistics {
    return { bytes: this.#retention.bytes, forcedRemovals: this.#retention.forcedRemovals };
  }

  async close(): Promise<void> {
    await Promise.all([this.#appender.close(), this.#reader.close(), this.#retention.close()]);
    await this.#link.close();
  }
}
