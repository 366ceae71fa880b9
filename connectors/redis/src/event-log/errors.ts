import { MillraceError } from '@millrace/core';
import { isReply } from '../errors.ts';

/** Answers of a server that took nothing because it has no room. */
const FULL = /^(OOM|MISCONF)\b/;

/** Whether Redis refused a write for want of memory, or because it cannot write its own files. */
export const isFull = (error: unknown): error is Error => isReply(error) && FULL.test((error as Error).message);

export const logFull = (cause: Error): MillraceError =>
  new MillraceError(
    'LOG_FULL',
    `Redis has no room, nothing was written: raise maxmemory, free its disk, or lower the retention (${cause.message})`,
    { cause },
  );

export const logClosed = (): MillraceError => new MillraceError('LOG_CLOSED', 'the log is closed');

export const inDoubt = (timeoutMs: number): MillraceError =>
  new MillraceError(
    'LOG_FAILED',
    `Redis did not confirm an append within ${timeoutMs} ms: its records may or may not be in the log`,
  );

/** Refused at last, when an earlier attempt had no answer. */
export const inDoubtBefore = (cause: Error): MillraceError =>
  new MillraceError(
    'LOG_FAILED',
    `an append was sent, not answered, and could not be sent again: its records may or may not be in the log (${cause.message})`,
    { cause },
  );

export const notSent = (timeoutMs: number): MillraceError =>
  new MillraceError('UNAVAILABLE', `Redis could not be reached within ${timeoutMs} ms: nothing was written, try again`);

export const queueFull = (bytes: number): MillraceError =>
  new MillraceError('QUEUE_FULL', `${bytes} bytes wait for Redis already: nothing was written, try again`);

export const outOfRange = (partition: number, from: number, earliest: number, next: number): MillraceError =>
  new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${from} of partition ${partition} is not in the log: it was trimmed, or belongs to another log`,
    { field: 'from', value: from, accepted: `from ${earliest} to ${next}` },
  );

export const noPartition = (partition: number, partitions: number): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `there is no partition ${partition}`, {
    field: 'partition',
    value: partition,
    accepted: `an integer from 0 to ${partitions - 1}`,
  });

export const corrupt = (key: string, id: string, cause: unknown): MillraceError =>
  new MillraceError(
    'LOG_CORRUPT',
    `entry ${id} of ${key} is not of this log's format: was it written by something else, or by a newer version?`,
    { cause },
  );
