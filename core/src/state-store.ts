import type { Offset } from './event-log.ts';

/**
 * The state: what the events of a log add up to, kept so that queries need one bounded read.
 *
 * Two views are kept of every event. A *timeline* is the newest N events per key and kind. A *rollup* is counts and
 * sums per minute over any dimensions. The offset up to which events are applied is stored in the same atomic step,
 * so a crash, a redelivery or a second processor neither loses nor doubles an event.
 *
 * @example
 * const schema = { kinds: ['VIEW', 'BUY'], dimensions: [{ name: 'brand_id', values: 'bounded' }], measures: ['price'] };
 * const writer = await openStateWriter('embedded:.millrace', { schema, partitions: 10 });
 * await writer.commit([{ partition: 0, from: 0, to: 1, deadLetters: [], events: [
 *   { offset: 0, key: 'alice', kind: 1, time: 1647950700000, dimensions: ['Nike'], measures: [1000] },
 * ] }]);
 * const reader = await openStateReader('embedded:.millrace', { schema, partitions: 10 });
 * await reader.timeline('alice', { kind: 1, from: 0, to: Infinity, limit: 200 });
 * await reader.rollup({ from: 1647950700000, to: 1647950760000, where: { brand_id: ['Nike'] }, groupBy: [], limit: 1000 });
 */

/** Declared when the store is opened and stored with it; a different one later is a SCHEMA_MISMATCH. */
export interface StateSchema {
  /** An event's kind is an index into this list. At most 255. */
  readonly kinds: readonly string[];
  readonly dimensions: readonly DimensionSchema[];
  /** Names of the int32 measures. */
  readonly measures: readonly string[];
}

export interface DimensionSchema {
  readonly name: string;
  /** `bounded`: few distinct values (brands, countries), kept in a dictionary. `unbounded`: stored as it is. */
  readonly values: 'bounded' | 'unbounded';
}

/** One event as the state sees it. */
export interface StateEvent {
  readonly offset: Offset;
  /** Whose timeline it enters. All events of one key are in one partition, which gives them their order. */
  readonly key: string;
  /** Index into the schema's kinds. */
  readonly kind: number;
  /** The event's own time, milliseconds since the epoch, 0 or above. */
  readonly time: number;
  /** One value per dimension of the schema, in its order. */
  readonly dimensions: readonly string[];
  /** One int32 per measure of the schema, in its order. */
  readonly measures: readonly number[];
  /**
   * When given, further events of the same partition with the same text are dropped for ten minutes of append time.
   */
  readonly dedupeKey?: string;
  /** When the event was appended to its log, milliseconds since the epoch. */
  readonly appendedAt: number;
}

/** A record that could not be processed, kept with its reason until it is retried. */
export interface NewDeadLetter {
  readonly offset: Offset;
  readonly appendedAt: number;
  /** Error code, and its message for a person. */
  readonly code: string;
  readonly reason: string;
  readonly key: string | undefined;
  readonly value: Uint8Array;
}

export interface DeadLetter extends NewDeadLetter {
  /** Stable name: `<partition>-<offset>`. */
  readonly id: string;
  readonly partition: number;
}

/** What one partition's offsets [from, to) add up to. `from` is the `to` of the commit before. */
export interface PartitionChange {
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
  /** In the order of their offsets. */
  readonly events: readonly StateEvent[];
  readonly deadLetters: readonly NewDeadLetter[];
  /** Dead letters that a retry has dealt with: removed in the same step. */
  readonly resolved?: readonly string[];
}

export interface CommitResult {
  /** Events that entered timelines (and rollups, unless late). */
  readonly applied: number;
  /** Events at or below the committed offset (a redelivery), cut off. */
  readonly redelivered: number;
  /** Events dropped because their dedupe key was seen before. */
  readonly duplicates: number;
  /** Events older than the retention: in timelines only. */
  readonly late: number;
}

/**
 * The writing end. Several may be open at a time where the store is shared by processes; each partition has one owner,
 * the writer that asked for its committed offset last.
 */
export interface StateWriter {
  readonly partitions: number;
  /**
   * Up to where the partition is applied; undefined when nothing ever was. Takes the partition over: whoever owned it
   * until now gets STALE_OWNER from its next commit there. To be asked whenever the log hands the partition out.
   */
  committed(partition: number): Promise<Offset | undefined>;
  /** The same, but what survives a power loss: what the log may be told to forget. */
  synced(partition: number): Promise<Offset | undefined>;
  /**
   * Applies the changes in one atomic step per partition, and is idempotent: what lies below the committed offset is
   * cut off. When it resolves, readers see it.
   *
   * @throws COMMIT_GAP when `from` lies above the committed offset: read again from there.
   * @throws STALE_OWNER when another owner has taken the partition over: stop.
   * @throws STORE_FAILED when it could not be written, and from then on: close, see {@link StateReader.recover}, open anew.
   * @throws STATE_CORRUPT, STATE_CLOSED, INVALID_ARGUMENT (a change that contradicts itself or the schema)
   */
  commit(changes: readonly PartitionChange[]): Promise<CommitResult>;
  close(): Promise<void>;
}

export interface TimelineQuery {
  /** Index into the schema's kinds. */
  readonly kind: number;
  /** Event time, milliseconds: [from, to). */
  readonly from: number;
  readonly to: number;
  /** At most so many, after filtering by time. */
  readonly limit: number;
}

export interface TimelineEntry {
  readonly time: number;
  readonly dimensions: readonly string[];
  readonly measures: readonly number[];
}

export interface RollupQuery {
  /** Event time, milliseconds, both whole minutes: [from, to). */
  readonly from: number;
  readonly to: number;
  /** Accepted values per dimension; all must match. The name `kind` filters by the names of the schema's kinds. */
  readonly where: Readonly<Record<string, readonly string[]>>;
  /** Dimensions (or `kind`) to split by; empty for one row per minute. */
  readonly groupBy: readonly string[];
  /** At most so many groups, those with the highest counts over the whole range; more sets `truncated`. */
  readonly limit: number;
}

export interface RollupRow {
  /** Start of the minute, milliseconds. */
  readonly minute: number;
  /** One value per `groupBy`. */
  readonly group: readonly string[];
  readonly count: number;
  /** One exact sum per measure of the schema. */
  readonly sums: readonly bigint[];
}

export interface RollupResult {
  /** Non-empty cells only, ascending by minute, then by group. */
  readonly rows: readonly RollupRow[];
  readonly truncated: boolean;
}

export interface DeadLetterQuery {
  /** Continue after this id. */
  readonly after?: string;
  readonly limit: number;
}

export interface StateStatistics {
  /** Bytes on disk or in the backend, where known. */
  readonly bytes?: number;
  readonly deadLetters: number;
  /** The event clock: oldest, over the active partitions, of their newest event time. Undefined when empty. */
  readonly clock?: number;
  readonly late: number;
  readonly duplicates: number;
}

/** The reading end: any number of them. */
export interface StateReader {
  readonly partitions: number;
  /**
   * Events of the key, newest first; of equal times the later arrival first. Only the newest `keep` events of the kind
   * exist for a reader (an option of the store, 230 by default), however many are still on disk.
   */
  timeline(key: string, query: TimelineQuery): Promise<TimelineEntry[]>;
  rollup(query: RollupQuery): Promise<RollupResult>;
  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]>;
  deadLetter(id: string): Promise<DeadLetter | undefined>;
  committed(partition: number): Promise<Offset | undefined>;
  statistics(): Promise<StateStatistics>;
  /** Loads what the first queries will need. */
  warmUp(): Promise<void>;
  /**
   * Makes the state ready for a new writer after one ended with STORE_FAILED and is closed. Queries wait meanwhile. Absent
   * where a new writer needs nothing of the kind.
   *
   * @throws STORE_FAILED while the cause, such as a full disk, lasts; queries then go on as before
   */
  recover?(): Promise<void>;
  close(): Promise<void>;
}
