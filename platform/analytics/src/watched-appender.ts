import { hasCode, type LogAppender, type NewRecord, type Position } from '@millrace/core';
import { isOutage } from './outage.ts';

/** After a full disk, or a broker that is away, refused an append the log counts as not writable for so long; then someone may try again. */
const REFUSED_FOR_MS = 1000;

/** A log's writing end that remembers whether the log takes anything. */
export interface WatchedAppender extends LogAppender {
  /** Whether the last append was taken, as far as that still says something. */
  writable(): boolean;
}

/**
 * @param now milliseconds of a clock that only rises
 * @param failsForGood whether LOG_FAILED lasts until a restart, as with the log in this process; else it is about one append
 */
export function watchAppender(log: LogAppender, now: () => number, failsForGood = true): WatchedAppender {
  let refusedUntil = 0;
  const onRefusal = (error: unknown): never => {
    const failed = hasCode(error, 'LOG_FAILED');
    if (hasCode(error, 'LOG_CLOSED') || (failed && failsForGood)) refusedUntil = Infinity;
    else if (failed || hasCode(error, 'LOG_FULL') || isOutage(error)) refusedUntil = now() + REFUSED_FOR_MS;
    throw error;
  };
  const onTaken = (positions: readonly Position[]): readonly Position[] => {
    refusedUntil = 0;
    return positions;
  };
  return {
    partitions: log.partitions,
    append: (records: readonly NewRecord[]) => log.append(records).then(onTaken, onRefusal),
    close: () => log.close(),
    writable: () => now() >= refusedUntil,
  };
}
