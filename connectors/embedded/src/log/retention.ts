import { nextHeader, segmentPath, type Disk, type Segment, type SegmentLog } from '@millrace/storage';
import type { Groups } from './groups.ts';

/** What the log tells an operator; a pino logger fits. */
export interface LogLogger {
  warn(details: object, message: string): void;
}

export interface RetentionOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly log: SegmentLog;
  readonly groups: Groups;
  readonly retentionMs: number;
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly now: () => number;
  readonly logger: LogLogger;
}

/**
 * Removes old segments: those that are too old, and the oldest while all together are too large. What a group has not
 * released stays, except when the size limit forces it, which is said loudly.
 */
export class Retention {
  readonly #options: RetentionOptions;
  /** When a segment's first frame was appended, which the one before it can not be younger than. */
  readonly #begun = new Map<number, number>();
  #running: Promise<void> | undefined;
  #forced = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** How many segments went although a group had not released them. */
  get forcedRemovals(): number {
    return this.#forced;
  }

  /** Calls that come while one runs share it. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { log, groups, maxBytes, segmentBytes, logger } = this.#options;
    for (;;) {
      const { segments } = log;
      const [oldest, next] = segments;
      if (oldest === undefined || next === undefined) return;
      const sealed = segments.slice(0, -1).reduce((sum, segment) => sum + segment.bytes, 0);
      // The last one will grow to its full size before this is looked at again.
      const bytes = sealed + Math.max(segmentBytes, segments.at(-1)!.bytes);
      const isReleased = groups.lowest() >= next.base;
      const isTooLarge = bytes > maxBytes;
      if (!isTooLarge && !(isReleased && (await this.#isExpired(next)))) return;
      if (!isReleased) {
        this.#forced++;
        logger.warn(
          { from: oldest.base, to: next.base, bytes, maxBytes, groups: groups.holding(next.base) },
          'the log is over its size limit: records that a group has not released are removed',
        );
      }
      await log.removeOldest();
      this.#begun.delete(next.base);
    }
  }

  async #isExpired(next: Segment): Promise<boolean> {
    const { now, retentionMs } = this.#options;
    const begun = await this.#begunAt(next);
    return begun !== undefined && begun < now() - retentionMs;
  }

  async #begunAt({ base, bytes }: Segment): Promise<number | undefined> {
    const known = this.#begun.get(base);
    if (known !== undefined) return known;
    const { disk, directory } = this.#options;
    const file = await disk.open(segmentPath(directory, base), 'read');
    try {
      const time = (await nextHeader(file, base, 0, bytes))?.time;
      if (time !== undefined) this.#begun.set(base, time);
      return time;
    } finally {
      await file.close();
    }
  }
}
