import {
  type DeadLetter,
  type DeadLetterQuery,
  MillraceError,
  type Offset,
  partitionOf,
  type RollupQuery,
  type RollupResult,
  type StateReader,
  type StateStatistics,
  type TimelineEntry,
  type TimelineQuery,
} from '@millrace/core';
import {
  compileScans,
  decodeDeadLetter,
  parseDeadLetterId,
  placeAfter,
  readTimeline,
  type TimelinePart,
  checkKind,
  latestClock,
  WARM_MINUTES,
  warmUpQueries,
} from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import type { RedisClient } from '../connection.ts';
import { deadLetterEntry, type StateKeys } from './keys.ts';
import { usedMemory } from './memory.ts';
import { Rollups } from './rollups.ts';
import type { RedisStateOptions } from './store.ts';
import { readStatuses } from './status.ts';

/** How often a timeline is asked for again because its partition changed hands meanwhile. */
const ATTEMPTS = 5;

/** What one partition has of a key. */
interface StoredTimeline {
  readonly partition: number;
  readonly bytes: Buffer;
  /** Token of the partition's owner at that moment. */
  readonly owner: string;
}

/** The reading end of a state on Redis, in any process. */
export class RedisStateReader implements StateReader {
  readonly partitions: number;
  readonly #options: RedisStateOptions;
  readonly #link: BoundedLink;
  readonly #keys: StateKeys;
  readonly #rollups: Rollups;
  readonly #all: readonly number[];

  constructor(options: RedisStateOptions) {
    this.partitions = options.partitions;
    this.#options = options;
    this.#link = options.link;
    this.#keys = options.keys;
    this.#rollups = new Rollups(options);
    this.#all = Array.from({ length: options.partitions }, (_, partition) => partition);
  }

  /** To be called when the connection was lost. */
  forget(): void {
    this.#rollups.forget();
  }

  async timeline(key: string, query: TimelineQuery): Promise<TimelineEntry[]> {
    this.#link.assertOpen();
    checkKind(query.kind, this.#options.schema);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.#link.run((client) => this.#find(client, key));
      const parts = found.flatMap(({ partition, owner, bytes }): TimelinePart[] => {
        const dictionaries = this.#rollups.known(partition, owner);
        return dictionaries === undefined ? [] : [{ bytes, dictionaries }];
      });
      const entries = parts.length < found.length ? undefined : readTimeline(parts, query, this.#options);
      if (entries !== undefined) return entries;
      await this.#rollups.load(found.map(({ partition }) => partition));
    }
    throw new MillraceError('UNAVAILABLE', 'the partitions of the state change hands too often to be read: try again');
  }

  rollup(query: RollupQuery): Promise<RollupResult> {
    return this.#rollups.query(query);
  }

  async deadLetters({ after, limit }: DeadLetterQuery): Promise<DeadLetter[]> {
    const place = placeAfter(after);
    const found: DeadLetter[] = [];
    for (const partition of this.#all) {
      if (found.length >= limit || (place !== undefined && partition < place.partition)) continue;
      const from = partition === place?.partition ? `(${deadLetterEntry(place.offset)}` : '-';
      const more = await this.#letters(partition, from, '+', limit - found.length);
      found.push(...more);
    }
    return found;
  }

  async deadLetter(id: string): Promise<DeadLetter | undefined> {
    const place = parseDeadLetterId(id);
    if (place === undefined || place.partition >= this.partitions) return undefined;
    const entry = deadLetterEntry(place.offset);
    const [found] = await this.#letters(place.partition, entry, entry, 1);
    return found;
  }

  async committed(partition: number): Promise<Offset | undefined> {
    const committed = await this.#link.run((client) => client.hget(this.#keys.status(partition), 'committed'));
    return committed === null ? undefined : Number(committed);
  }

  async statistics(): Promise<StateStatistics> {
    const [statuses, bytes, counts] = await Promise.all([
      readStatuses(this.#link, this.#keys, this.partitions),
      this.#link.run(usedMemory),
      this.#link.run((client) =>
        Promise.all(this.#all.map((partition) => client.xlen(this.#keys.deadLetters(partition)))),
      ),
    ]);
    const clock = latestClock(statuses);
    return {
      bytes,
      deadLetters: counts.reduce((sum, count) => sum + count, 0),
      late: statuses.reduce((sum, { late }) => sum + late, 0),
      duplicates: statuses.reduce((sum, { duplicates }) => sum + duplicates, 0),
      ...(clock === undefined ? {} : { clock }),
    };
  }

  async warmUp(): Promise<void> {
    compileScans(this.#options.schema);
    await warmUpQueries(this, await this.#rollups.newestMinutes(WARM_MINUTES));
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /**
   * All events of a key are in one partition, almost always the one that our logs choose; which one is the log's choice,
   * so the others are asked when there is nothing.
   */
  async #find(client: RedisClient, key: string): Promise<StoredTimeline[]> {
    const usual = partitionOf(key, this.partitions);
    const found = await this.#stored(client, key, [usual]);
    if (found.length > 0 || this.partitions === 1) return found;
    return this.#stored(
      client,
      key,
      this.#all.filter((partition) => partition !== usual),
    );
  }

  /** What these partitions have of the key: one command, on a Cluster one per partition. */
  async #stored(client: RedisClient, key: string, partitions: readonly number[]): Promise<StoredTimeline[]> {
    const names = partitions.map((partition) => [this.#keys.timelines(partition) + key, this.#keys.owner(partition)]);
    const values = client.isCluster
      ? (await Promise.all(names.map((pair) => client.mgetBuffer(pair)))).flat()
      : await client.mgetBuffer(names.flat());
    return partitions.flatMap((partition, at) => {
      const bytes = values[2 * at];
      return bytes == null ? [] : { partition, bytes, owner: values[2 * at + 1]?.toString() ?? '' };
    });
  }

  async #letters(partition: number, from: string, to: string, count: number): Promise<DeadLetter[]> {
    if (count <= 0) return [];
    const entries = (await this.#link.run((client) =>
      client.xrangeBuffer(this.#keys.deadLetters(partition), from, to, 'COUNT', count),
    )) as readonly [Buffer, readonly Buffer[]][];
    return entries.map(([id, fields]) =>
      decodeDeadLetter({ partition, offset: Number.parseInt(id.toString(), 10) }, fields[1]!),
    );
  }
}
