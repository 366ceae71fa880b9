import type { StateSchema } from '@millrace/core';
import { checkSettings, stateSettings } from '@millrace/core/state';

import type { RedisClient } from '../connection.ts';
import type { StateKeys } from './keys.ts';

const FORMAT = '1';

/**
 * Checks schema and number of partitions against those of the stored state, or stores them with a new one.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH; DATA_DIRECTORY_VERSION for a state of another format; INVALID_ARGUMENT
 */
export async function agreeOnSettings(
  client: RedisClient,
  keys: StateKeys,
  options: { readonly schema: StateSchema; readonly partitions: number },
): Promise<void> {
  const wanted = stateSettings(FORMAT, options);
  const name = keys.settings();
  // Each is set once, however many processes try.
  await client.hsetnx(name, 'schema', wanted.schema);
  await client.hsetnx(name, 'partitions', wanted.partitions);
  await client.hsetnx(name, 'format', FORMAT);
  const stored = await client.hmget(name, 'schema', 'partitions', 'format');
  const [schema, partitions, format] = stored.map(String) as [string, string, string];
  checkSettings({ schema, partitions, format }, wanted, { place: name, another: 'prefix' });
}
