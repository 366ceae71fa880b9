import { hasCode, OngoingFailure, type LogAppender, type Logger, type NewRecord, type Position } from '@millrace/core';
import { isOutage } from './outage.ts';

/** After a full disk, or a broker that is away, refused an append the log counts as not writable for so long; then someone may try again. */
const REFUSED_FOR_MS = 1000;
/** Without a refusal for so long it is over: on a full disk a small append may fit where the others do not. */
const WELL_AFTER_MS = 5000;

/** A log's writing end that remembers whether the log takes anything. */
export interface WatchedAppender extends LogAppender {
  /** Whether the last append was taken, as far as that still says something. */
  writable(): boolean;
}

export interface WatchOptions {
  /** Told once when the log begins to refuse, and once when it is over: not of every refused request. */
  readonly logger: Logger;
  /** Milliseconds of a clock that only rises. */
  readonly now: () => number;
  /** Whether LOG_FAILED lasts until a restart, as with the log in this process; else it is about one append. Default true. */
  readonly failsForGood?: boolean;
}

export function watchAppender(log: LogAppender, { logger, now, failsForGood = true }: WatchOptions): WatchedAppender {
  const refusing = new OngoingFailure({
    logger,
    failing: 'the log takes no records: tags are refused until it does',
    over: 'the log takes records again',
  });
  let refusedAt: number | undefined;
  let refusedUntil = 0;
  const onRefusal = (error: unknown): never => {
    const failed = hasCode(error, 'LOG_FAILED');
    const closed = hasCode(error, 'LOG_CLOSED');
    if (failed || closed || hasCode(error, 'LOG_FULL') || isOutage(error)) {
      refusedAt = now();
      refusedUntil = closed || (failed && failsForGood) ? Infinity : refusedAt + REFUSED_FOR_MS;
      // Closed is on purpose.
      if (!closed) refusing.failed(error);
    }
    throw error;
  };
  const takesAgain = (since: number): void => {
    refusedUntil = 0;
    if (now() - since < WELL_AFTER_MS) return;
    refusedAt = undefined;
    refusing.succeeded();
  };
  const onTaken = (positions: readonly Position[]): readonly Position[] => {
    if (refusedAt !== undefined) takesAgain(refusedAt);
    return positions;
  };
  return {
    partitions: log.partitions,
    append: (records: readonly NewRecord[]) => log.append(records).then(onTaken, onRefusal),
    close: () => log.close(),
    writable: () => now() >= refusedUntil,
  };
}
