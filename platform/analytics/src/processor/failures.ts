import { MillraceError, type ErrorCode } from '@millrace/core';

/** A processor that ran this long has earned a quick restart, milliseconds. */
export const STABLE_AFTER_MS = 10_000;

/** What no restart can heal: settings that do not fit the data, or data that someone else has taken over. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'CONNECTOR_NOT_INSTALLED',
  'DATA_DIRECTORY_VERSION',
  'INVALID_OPTION',
  'NOT_SUPPORTED',
  // The state is ahead of the log, which someone has removed or restored: going on would skip what comes in now.
  'OFFSET_OUT_OF_RANGE',
  'PARTITIONS_MISMATCH',
  'SCHEMA_MISMATCH',
  'STALE_OWNER',
  'STATE_CORRUPT',
  'UNKNOWN_SCHEME',
]);

/** Whether starting the processor again would only fail again. */
export const isFinal = (error: unknown): boolean => error instanceof MillraceError && FINAL.has(error.code);
