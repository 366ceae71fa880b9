import { MillraceError } from '../errors.ts';
import type { StateSchema } from '../state-store.ts';

/** Most kinds: their index is stored as a byte. */
const MAX_KINDS = 255;

/** What a state is made with, once for all, as texts to store with it. */
export interface StateSettings {
  readonly format: string;
  readonly schema: string;
  readonly partitions: string;
}

/** The settings of a state of this format. @throws INVALID_ARGUMENT */
export function stateSettings(
  format: string,
  { schema, partitions }: { readonly schema: StateSchema; readonly partitions: number },
): StateSettings {
  const { kinds, dimensions, measures } = schema;
  if (kinds.length < 1 || kinds.length > MAX_KINDS) throw invalid('kinds', kinds.length, `1 to ${MAX_KINDS} kinds`);
  if (!Number.isInteger(partitions) || partitions < 1) throw invalid('partitions', partitions, 'an integer from 1 up');
  const text = JSON.stringify({
    kinds,
    dimensions: dimensions.map(({ name, values }) => ({ name, values })),
    measures,
  });
  return { format, schema: text, partitions: String(partitions) };
}

/**
 * Checks that the stored state is the one that is wanted.
 *
 * @param place where it lies, for messages, and `another` what to use for another state: `prefix`, `set`
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH; DATA_DIRECTORY_VERSION for a state of another format
 */
export function checkSettings(
  stored: StateSettings,
  wanted: StateSettings,
  { place, another }: { readonly place: string; readonly another: string },
): void {
  if (stored.format !== wanted.format) {
    throw new MillraceError(
      'DATA_DIRECTORY_VERSION',
      `the state ${place} has format ${stored.format}: use the version of Millrace that made it, or another ${another}`,
    );
  }
  if (stored.partitions !== wanted.partitions) {
    throw new MillraceError(
      'PARTITIONS_MISMATCH',
      `the state ${place} was made with ${stored.partitions} partitions: open it with that number, or use another ${another}`,
      { field: 'partitions', value: wanted.partitions, accepted: stored.partitions },
    );
  }
  if (stored.schema !== wanted.schema) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `the state ${place} was made with the schema ${stored.schema}: use that, or another ${another}`,
      { field: 'schema', value: wanted.schema, accepted: stored.schema },
    );
  }
}

const invalid = (field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${field} is ${String(value)}: give ${accepted}`, { field, value, accepted });
