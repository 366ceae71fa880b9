import {
  checkRecords,
  MillraceError,
  OngoingFailure,
  type Batch,
  type Bounds,
  type Channel,
  type ConsumeOptions,
  type EventLog,
  type NewRecord,
  type Position,
} from '@millrace/core';
import { GroupCommit, nodeDisk, SegmentLog, type Disk, type StorageError, type Waiter } from '@millrace/storage';
import { serveSource } from './log/channel.ts';
import { logClosed, toLogError } from './log/errors.ts';
import { Groups } from './log/groups.ts';
import { SegmentLogReader } from './log/reader.ts';
import { RecordEncoder } from './log/record-codec.ts';
import { Retention, type LogLogger } from './log/retention.ts';
import { agreeOnPartitions } from './log/settings.ts';
import { Watermarks, type LogSource } from './log/source.ts';
import { LogCounters, type EmbeddedLogStatistics } from './log/statistics.ts';

export interface EmbeddedEventLogOptions {
  /** Directory of the log, made if missing. One process may own it; who opens it sees to that. */
  readonly directory: string;
  /** Default: this machine's file system. */
  readonly disk?: Disk;
  readonly partitions: number;
  /** Segments whose last record is older are removed, milliseconds. */
  readonly retentionMs: number;
  /** Above this the oldest segments are removed, released or not. */
  readonly maxBytes: number;
  /** Default 64 MiB, at most 1 GiB. */
  readonly segmentBytes?: number;
  readonly logger?: LogLogger;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

export interface EmbeddedEventLog extends EventLog {
  serve(channel: Channel): void;
  statistics(): EmbeddedLogStatistics;
}

const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const RETENTION_EVERY_MS = 10_000;

/**
 * Opens the event log in the directory, or makes one, and recovers it: a torn tail is cut, and nothing acknowledged is
 * lost.
 *
 * @throws PARTITIONS_MISMATCH, LOG_CORRUPT, LOG_FULL, LOG_FAILED
 */
export async function openEmbeddedEventLog(options: EmbeddedEventLogOptions): Promise<EmbeddedEventLog> {
  const { directory, disk = nodeDisk(), partitions, segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
  try {
    await agreeOnPartitions(disk, directory, partitions);
    const segments = await SegmentLog.open({ disk, directory, segmentBytes });
    const groups = await Groups.open(disk, directory, partitions);
    const log = new SegmentEventLog({ ...options, disk, segmentBytes }, segments, groups);
    await log.retain();
    return log;
  } catch (error) {
    throw toLogError(error);
  }
}

class SegmentEventLog implements EmbeddedEventLog {
  readonly partitions: number;
  readonly #segments: SegmentLog;
  readonly #groups: Groups;
  readonly #encoder: RecordEncoder;
  readonly #commit: GroupCommit;
  readonly #watermarks: Watermarks;
  readonly #retention: Retention;
  readonly #reader: SegmentLogReader;
  readonly #source: LogSource;
  readonly #counters = new LogCounters();
  readonly #logger: LogLogger;
  readonly #unremoved: OngoingFailure;
  readonly #unsaved: OngoingFailure;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #closed: Promise<void> | undefined;

  constructor(
    options: EmbeddedEventLogOptions & { disk: Disk; segmentBytes: number },
    segments: SegmentLog,
    groups: Groups,
  ) {
    const { directory, disk, partitions, logger = { warn: () => undefined }, now = Date.now } = options;
    this.partitions = partitions;
    this.#segments = segments;
    this.#groups = groups;
    this.#logger = logger;
    this.#unremoved = new OngoingFailure({
      logger,
      failing: 'old segments of the log could not be removed',
      over: 'old segments of the log can be removed again',
    });
    this.#unsaved = new OngoingFailure({
      logger,
      failing: 'what a consumer released could not be saved',
      over: 'what consumers release can be saved again',
    });
    this.#now = now;
    this.#encoder = new RecordEncoder(partitions);
    this.#watermarks = new Watermarks(segments.durable);
    this.#retention = new Retention({ ...options, log: segments, groups, logger, now });
    this.#source = this.#makeSource();
    this.#reader = new SegmentLogReader(disk, directory, this.#source);
    this.#commit = new GroupCommit({
      log: segments,
      now,
      maxPendingBytes: MAX_PENDING_BYTES,
      onDurable: ({ records, bytes, syncMs }) => {
        const isNewSegment = this.#watermarks.current.segment !== segments.durable.segment;
        this.#counters.synced(records, bytes, syncMs);
        this.#watermarks.publish(segments.durable);
        if (isNewSegment) void this.retain();
      },
    });
    this.#timer = setInterval(() => void this.retain(), RETENTION_EVERY_MS);
    this.#timer.unref();
    const { cutBytes, damaged } = segments.recovered;
    if (damaged > 0) this.#counters.damaged(damaged);
    if (damaged > 0 || cutBytes > 0) {
      logger.warn({ directory, cutBytes, damaged }, 'the log did not end cleanly: its torn tail was cut');
    }
  }

  append(records: readonly NewRecord[]): Promise<readonly Position[]> {
    if (this.#closed !== undefined) return Promise.reject(logClosed());
    const positions: Appended[] = [];
    try {
      if (this.#segments.failure !== undefined) throw this.#segments.failure;
      checkRecords(records, this.partitions);
      if (records.length === 0) return Promise.resolve(positions);
      const group = this.#commit.group();
      for (let i = 0; i < records.length; i++) {
        const offset = group.records;
        positions.push({ partition: this.#encoder.encode(group, records[i]!), offset });
      }
    } catch (error) {
      return Promise.reject(toLogError(error));
    }
    this.#counters.appended(records.length);
    return new Promise((resolve, reject) => this.#commit.wait(new Append(positions, resolve, reject)));
  }

  bounds(partition: number): Promise<Bounds> {
    return this.#reader.bounds(partition);
  }

  read(partition: number, from: number, maxBytes: number): Promise<Batch> {
    return this.#reader.read(partition, from, maxBytes);
  }

  consume(group: string, options: ConsumeOptions): Promise<void> {
    return this.#reader.consume(group, options);
  }

  release(group: string, partition: number, below: number): Promise<void> {
    return this.#reader.release(group, partition, below);
  }

  serve(channel: Channel): void {
    serveSource(channel, this.#source);
  }

  statistics(): EmbeddedLogStatistics {
    return this.#counters.statistics(
      this.#segments.segments,
      this.#segments.durable.offset,
      this.#retention.forcedRemovals,
    );
  }

  /** Removes what is due; an error is logged, and the next run tries again. */
  async retain(): Promise<void> {
    try {
      await this.#retention.run();
      this.#unremoved.succeeded();
    } catch (error) {
      this.#unremoved.failed(toLogError(error));
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#commit.drained();
    await this.#reader.close();
    this.#watermarks.close();
    await this.#groups.close();
    await this.retain();
    await this.#segments.close(this.#now());
  }

  #makeSource(): LogSource {
    return {
      partitions: this.partitions,
      watermark: async () => this.#watermarks.current,
      past: (offset) => this.#watermarks.past(offset),
      join: (group) => this.#groups.join(group),
      leave: async (group) => this.#groups.leave(group),
      release: async (group, partition, below) => {
        if (!Number.isSafeInteger(below) || below < 0) throw invalidOffset(below);
        try {
          if (await this.#groups.release(group, partition, below)) this.#unsaved.succeeded();
        } catch (error) {
          // It counts all the same, and must: on a full disk only retention makes room. The next release saves it too.
          this.#unsaved.failed(toLogError(error));
        }
        await this.retain();
      },
      damaged: (place, reason) => {
        this.#counters.damaged(1);
        this.#logger.warn({ place, reason }, 'a stretch of the log can not be read');
      },
    };
  }
}

interface Appended {
  readonly partition: number;
  offset: number;
}

/** One call of `append`: its positions count from the group's start until the group has its place. */
class Append implements Waiter {
  readonly #positions: Appended[];
  readonly #resolve: (positions: readonly Position[]) => void;
  readonly #reject: (error: MillraceError) => void;

  constructor(
    positions: Appended[],
    resolve: (positions: readonly Position[]) => void,
    reject: (error: MillraceError) => void,
  ) {
    this.#positions = positions;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  durable(groupOffset: number): void {
    const positions = this.#positions;
    for (let i = 0; i < positions.length; i++) positions[i]!.offset += groupOffset;
    this.#resolve(positions);
  }

  failed(error: StorageError): void {
    this.#reject(toLogError(error));
  }
}

const invalidOffset = (value: number): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${value} is not an offset`, {
    field: 'below',
    value,
    accepted: 'an integer from 0',
  });
