import { MillraceError, type ErrorCode } from '@millrace/core';
import { StorageError, type StorageErrorCode } from '@millrace/storage';

const CODES: Readonly<Record<StorageErrorCode, readonly [code: ErrorCode, advice: string]>> = {
  DISK_FULL: ['LOG_FULL', 'the disk of the log is full: nothing was written; free space, or lower the retention'],
  DISK_FAILED: ['LOG_FAILED', 'the disk of the log failed: check the disk, then start again'],
  CLOSED: ['LOG_CLOSED', 'the log is closed'],
  FILE_EXISTS: [
    'LOG_FAILED',
    'the directory of the log holds a file that must not be there: check it, then start again',
  ],
  FILE_MISSING: ['LOG_CORRUPT', 'a file of the log is missing'],
  TOO_LARGE: ['RECORD_TOO_LARGE', 'too much for one append: split it'],
  TOO_MANY_PENDING: ['QUEUE_FULL', 'the disk is slower than what is appended: try again later'],
};

/** A storage error as the log's own; everything else is INTERNAL. */
export function toLogError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  if (!(error instanceof StorageError)) {
    return new MillraceError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
  }
  const [code, advice] = CODES[error.code];
  return new MillraceError(code, `${advice} (${error.message})`, { cause: error });
}

export const logClosed = (): MillraceError => new MillraceError('LOG_CLOSED', 'the log is closed');

export const outOfRange = (partition: number, from: number, earliest: number, next?: number): MillraceError =>
  new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${from} of partition ${partition} is not in the log: it was removed by retention, or belongs to another log`,
    {
      field: 'from',
      value: from,
      accepted: `from ${earliest}${next === undefined ? '' : ` to ${next}`}`,
    },
  );

export const unreadable = (offset: number): MillraceError =>
  new MillraceError(
    'LOG_CORRUPT',
    `the frame at offset ${offset} is intact but not of this format: was it written by a newer version?`,
  );
