import { MillraceError, type StateSchema } from '@millrace/core';

import type { RedisClient } from '../connection.ts';
import type { StateKeys } from './keys.ts';

const FORMAT = '1';
/** Most kinds: their index is stored as a byte. */
const MAX_KINDS = 255;

/**
 * Checks schema and number of partitions against those of the stored state, or stores them with a new one.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH; DATA_DIRECTORY_VERSION for a state of another format; INVALID_ARGUMENT
 */
export async function agreeOnSettings(
  client: RedisClient,
  keys: StateKeys,
  { schema, partitions }: { readonly schema: StateSchema; readonly partitions: number },
): Promise<void> {
  checkShape(schema, partitions);
  const name = keys.settings();
  const wanted = canonical(schema);
  // Each is set once, however many processes try.
  await client.hsetnx(name, 'schema', wanted);
  await client.hsetnx(name, 'partitions', partitions);
  await client.hsetnx(name, 'format', FORMAT);
  const [storedSchema, storedPartitions, format] = await client.hmget(name, 'schema', 'partitions', 'format');
  if (format !== FORMAT) {
    throw new MillraceError(
      'DATA_DIRECTORY_VERSION',
      `the state ${name} has format ${format}: use the version of Millrace that made it, or another prefix`,
    );
  }
  if (storedPartitions !== String(partitions)) {
    throw new MillraceError(
      'PARTITIONS_MISMATCH',
      `the state ${name} was made with ${storedPartitions} partitions: open it with that number, or use another prefix`,
      { field: 'partitions', value: partitions, accepted: String(storedPartitions) },
    );
  }
  if (storedSchema !== wanted) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `the state ${name} was made with the schema ${storedSchema}: use that, or another prefix`,
      { field: 'schema', value: wanted, accepted: String(storedSchema) },
    );
  }
}

function checkShape({ kinds }: StateSchema, partitions: number): void {
  if (kinds.length < 1 || kinds.length > MAX_KINDS) throw invalid('kinds', kinds.length, `1 to ${MAX_KINDS} kinds`);
  if (!Number.isInteger(partitions) || partitions < 1) throw invalid('partitions', partitions, 'an integer from 1 up');
}

const invalid = (field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${field} is ${String(value)}: give ${accepted}`, { field, value, accepted });

const canonical = ({ kinds, dimensions, measures }: StateSchema): string =>
  JSON.stringify({ kinds, dimensions: dimensions.map(({ name, values }) => ({ name, values })), measures });
