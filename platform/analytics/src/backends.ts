import { MillraceError, type LogReader } from '@millrace/core';

/** What frontends and processors of one platform must agree on. */
export interface BackendOptions {
  /** `embedded:DIR`, whose data live in one process, or a log that several share, such as `kafka://host:9092/tags`. */
  readonly logUrl: string;
  readonly stateUrl: string;
  readonly partitions: number;
  /** Tags a profile shows per action, at most. */
  readonly keep: number;
  /** Rollups older than this by event time go, milliseconds. */
  readonly retentionMs: number;
}

/** Whether the backend lives in one process, with its data in a directory. */
export const isEmbedded = (url: string): boolean => /^embedded:/i.test(url);

/** @throws INVALID_OPTION for a backend that only one process can open */
export function requireShared(role: string, backends: { readonly log: string; readonly state: string }): void {
  for (const [name, url] of Object.entries(backends)) {
    if (!isEmbedded(url)) continue;
    const message =
      `a ${role} of its own needs a ${name} that several processes share, and ${url} lives in one process: ` +
      'run `millrace up`, or give a shared backend such as kafka: for the log and redis: for the state';
    const accepted = 'a shared backend, such as kafka: for the log and redis: for the state';
    throw new MillraceError('INVALID_OPTION', message, { field: `--${name}`, value: url, accepted });
  }
}

/** @throws PARTITIONS_MISMATCH */
export function checkPartitions(log: Pick<LogReader, 'partitions'>, partitions: number): void {
  if (log.partitions === partitions) return;
  const message = `the log has ${log.partitions} partitions and not ${partitions}: give its number as --partitions`;
  throw new MillraceError('PARTITIONS_MISMATCH', message, {
    field: '--partitions',
    value: partitions,
    accepted: String(log.partitions),
  });
}
