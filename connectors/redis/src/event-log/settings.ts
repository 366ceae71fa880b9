import { DEFAULT_PARTITIONS, MillraceError } from '@millrace/core';
import type { RedisClient } from '../connection.ts';
import type { LogKeys } from './keys.ts';

const FORMAT = '1';

/**
 * The number of partitions that the log was made with; makes it when there is none and a number, or nothing, is wanted.
 *
 * @throws PARTITIONS_MISMATCH; DATA_DIRECTORY_VERSION for a log of another format
 */
export async function agreeOnPartitions(
  client: RedisClient,
  keys: LogKeys,
  wanted: number | undefined,
): Promise<number> {
  await client.hsetnx(keys.settings(), 'partitions', wanted ?? DEFAULT_PARTITIONS);
  await client.hsetnx(keys.settings(), 'format', FORMAT);
  const partitions = await partitionsOf(client, keys);
  if (partitions !== undefined && (wanted ?? partitions) === partitions) return partitions;
  throw new MillraceError(
    'PARTITIONS_MISMATCH',
    `the log ${keys.settings()} was made with ${partitions} partitions: open it with that number`,
    { field: 'partitions', value: wanted, accepted: String(partitions) },
  );
}

/** Undefined when there is no log yet. @throws DATA_DIRECTORY_VERSION */
export async function partitionsOf(client: RedisClient, keys: LogKeys): Promise<number | undefined> {
  const [partitions, format] = await client.hmget(keys.settings(), 'partitions', 'format');
  if (format !== FORMAT && format != null) {
    throw new MillraceError(
      'DATA_DIRECTORY_VERSION',
      `the log ${keys.settings()} has format ${format}: use the version of Millrace that made it, or another prefix`,
    );
  }
  return partitions == null ? undefined : Number(partitions);
}
