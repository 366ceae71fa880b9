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
import { compileScans, readTimeline, checkKind, latestClock, WARM_MINUTES, warmUpQueries } from '@millrace/core/state';

import { bytesOfSet } from '../namespace-info.ts';
import { DeadLetters } from './dead-letters.ts';
import { Rollups } from './rollups.ts';
import { readStatuses } from './status.ts';
import type { AerospikeStateOptions } from './store.ts';
import { storedTimelines } from './timeline-write.ts';

/** The reading end of a state on Aerospike, in any process. */
export class AerospikeStateReader implements StateReader {
  readonly partitions: number;
  readonly #options: AerospikeStateOptions;
  readonly #rollups: Rollups;
  readonly #letters: DeadLetters;

  constructor(options: AerospikeStateOptions) {
    const { records, keys, partitions } = options;
    this.partitions = partitions;
    this.#options = options;
    this.#rollups = new Rollups(options);
    this.#letters = new DeadLetters(records, keys, partitions);
  }

  async timeline(key: string, query: TimelineQuery): Promise<TimelineEntry[]> {
    const { records, keys } = this.#options;
    records.assertOpen();
    checkKind(query.kind, this.#options.schema);
    const [bins] = await records.read([keys.timeline(key)]);
    if (bins === undefined) return [];
    const stored = storedTimelines(bins);
    const entries = (): TimelineEntry[] | undefined =>
      readTimeline(
        stored.map(({ partition, bytes }) => ({ bytes, dictionaries: this.#rollups.dictionaries(partition) })),
        query,
        this.#options,
      );
    const found = entries();
    if (found !== undefined) return found;
    for (const { partition } of stored) await this.#rollups.loadDictionary(partition);
    const again = entries();
    if (again !== undefined) return again;
    throw new MillraceError('STATE_CORRUPT', 'a timeline names an unknown dictionary entry');
  }

  rollup(query: RollupQuery): Promise<RollupResult> {
    return this.#rollups.query(query);
  }

  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]> {
    return this.#letters.list(query);
  }

  deadLetter(id: string): Promise<DeadLetter | undefined> {
    return this.#letters.find(id);
  }

  async committed(partition: number): Promise<Offset | undefined> {
    const { records, keys } = this.#options;
    const statuses = await readStatuses(records, keys, this.partitions, ['c']);
    return statuses[partition]?.committed;
  }

  async statistics(): Promise<StateStatistics> {
    const { records, keys } = this.#options;
    const [statuses, deadLetters, sizes] = await Promise.all([
      readStatuses(records, keys, this.partitions, ['k', 'l', 'u']),
      this.#letters.count(),
      Promise.all(keys.sets.map(({ namespace, set }) => bytesOfSet(records, namespace, set))),
    ]);
    const clock = latestClock(statuses);
    const known = sizes.filter((size) => size !== undefined);
    return {
      deadLetters,
      late: statuses.reduce((sum, { late }) => sum + late, 0),
      duplicates: statuses.reduce((sum, { duplicates }) => sum + duplicates, 0),
      ...(known.length === 0 ? {} : { bytes: known.reduce((sum, size) => sum + size, 0) }),
      ...(clock === undefined ? {} : { clock }),
    };
  }

  async warmUp(): Promise<void> {
    compileScans(this.#options.schema);
    await warmUpQueries(this, await this.#rollups.newestMinutes(WARM_MINUTES));
  }

  close(): Promise<void> {
    return this.#options.records.close();
  }
}
