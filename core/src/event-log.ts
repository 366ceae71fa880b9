/**
 * The event log: durable, partitioned, append-only. Everything else can be rebuilt from it.
 *
 * Who calls what: a frontend holds a {@link LogAppender}; a processor or an archiver holds a {@link LogReader}.
 * A backend whose two ends live in one process (the embedded log) implements {@link EventLog} at once and hands
 * reading ends to other threads through {@link EventLog.serve}.
 *
 * @example
 * const log = await openEventLog('embedded:.millrace', { partitions: 10 });
 * await log.append([{ key: 'alice', value: encode(tag) }]);        // resolves once it is on disk
 * await log.consume('processor', {
 *   start: (partition) => state.committed(partition).then((offset) => offset ?? 'earliest'),
 *   handle: (batches) => state.commit(batches.map(toChange)),
 *   signal,
 * });
 */

/**
 * Place of a record in its partition: a safe integer that only rises. Holes are allowed (a backend may number all its
 * partitions from one sequence), so never compute with offsets: compare them, and continue at {@link Batch.to}.
 */
export type Offset = number;

export interface NewRecord {
  /** Chooses the partition (murmur2 of its UTF-8 bytes, as Kafka's default) and is stored with the record. */
  readonly key?: string;
  /** Overrides the choice by key. Without key and partition, records go round-robin. */
  readonly partition?: number;
  /** At most 1 MiB. Must not be changed before the append has settled. */
  readonly value: Uint8Array;
}

export interface Position {
  readonly partition: number;
  readonly offset: Offset;
}

export interface LogRecord {
  readonly offset: Offset;
  /** When it was appended: milliseconds since the epoch, by the appender's clock. Not the event's own time. */
  readonly timestamp: number;
  readonly key: string | undefined;
  /** Valid until `handle` or the caller's next `read` returns; copy what must live longer. */
  readonly value: Uint8Array;
}

/** A stretch of the log that can no longer be read. Its records' partitions are lost with it, so partition 0 reports it. */
export interface Damage {
  /** The lost records' offsets: [from, to). */
  readonly from: Offset;
  readonly to: Offset;
  /** Where, for a person: file and byte range. */
  readonly place: string;
  readonly reason: string;
  /** The bytes as they are on disk, at most 64 KiB of them, for repair by hand. */
  readonly bytes: Uint8Array;
}

/** All records of one partition in the offset range [from, to), in order. `to` is where the next batch starts. */
export interface Batch {
  readonly partition: number;
  readonly from: Offset;
  readonly to: Offset;
  readonly records: readonly LogRecord[];
  readonly damage?: readonly Damage[];
}

export interface Bounds {
  /** Lowest offset that can still be read. */
  readonly earliest: Offset;
  /** No record at or above it is durable yet. */
  readonly next: Offset;
}

export interface ConsumeOptions {
  /** Where to start; asked whenever a partition is assigned, and again after `handle` rejected with COMMIT_GAP. */
  start(partition: number): Promise<Offset | 'earliest' | 'latest'>;
  /**
   * Gets what is new, serially per partition: the next call for a partition waits for this one. Batches of several
   * partitions that arrived together come together. `revoked` aborts when a rebalance takes a partition away; the
   * rebalance waits until the call has settled.
   *
   * A rejection with COMMIT_GAP makes the consumer ask `start` again; any other one ends `consume` with it.
   */
  handle(batches: readonly Batch[], revoked: AbortSignal): Promise<void>;
  /** Ends `consume`, which then resolves after the running `handle` has settled. */
  readonly signal: AbortSignal;
  /** At most so many bytes of records are given to one `handle`, over all its batches. Default 4 MiB. */
  readonly maxBytes?: number;
}

/** The writing end. */
export interface LogAppender {
  readonly partitions: number;
  /**
   * Resolves with the positions, in the order of the records, once all of them survive a power loss.
   * Records with one key keep their order across calls.
   *
   * A rejection with a code whose `retry` is true means that nothing was written; after LOG_FAILED the append is in
   * doubt: the records may or may not appear.
   *
   * @throws LOG_FULL (no room where the log is kept; a size limit removes the oldest instead), QUEUE_FULL (more waits to
   *   be written than memory should hold), LOG_FAILED, LOG_CLOSED, RECORD_TOO_LARGE, INVALID_ARGUMENT (partition)
   */
  append(records: readonly NewRecord[]): Promise<readonly Position[]>;
  /** Waits for running appends. Closing twice is harmless. */
  close(): Promise<void>;
}

/** The reading end. */
export interface LogReader {
  readonly partitions: number;
  bounds(partition: number): Promise<Bounds>;
  /**
   * Durable records from `from` on, at least one if there is one, and otherwise an empty batch (`to` may still be
   * above `from`, where other partitions' offsets lie between).
   *
   * @throws OFFSET_OUT_OF_RANGE when `from` lies below the earliest offset; never a silent jump.
   */
  read(partition: number, from: Offset, maxBytes: number): Promise<Batch>;
  /** Runs until its signal aborts. @throws GROUP_BUSY where a backend allows one consumer per group only */
  consume(group: string, options: ConsumeOptions): Promise<void>;
  /** The group will not ask below this offset again: retention may remove it once no other group needs it. */
  release(group: string, partition: number, below: Offset): Promise<void>;
  close(): Promise<void>;
}

export interface EventLog extends LogAppender, LogReader {
  /**
   * Serves a reading end in another thread or process over this channel; the other side opens it with
   * `openLogReader(url, { channel })`. Absent on logs that any process can open by URL.
   */
  serve?(channel: Channel): void;
  /** What an operator wants to know. Absent where the backend does not tell. */
  statistics?(): LogStatistics;
}

export interface LogStatistics {
  /** Bytes on disk, of all segments. */
  readonly bytes: number;
  /** No record at or above it is durable yet, in any partition. Absent where each partition has offsets of its own. */
  readonly next?: Offset;
  /** Segments removed by the size limit although a group had not released them. */
  readonly forcedRemovals: number;
}

/** Two-way messages between threads or processes (a MessagePort, or a child process's IPC): structured clones. */
export interface Channel {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once when the channel ends, also because the other side died: its consumer groups become free then. */
  onClose?(listener: () => void): void;
  close(): void;
}
