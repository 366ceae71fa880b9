import { MillraceError } from './errors.ts';
import type { NewRecord } from './event-log.ts';

const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_KEY_LENGTH = 64 * 1024;
const MAX_CALL_BYTES = 64 * 1024 * 1024;

/**
 * Refuses a call of `append` before anything of it is encoded, by the limits that every event log has: 1 MiB of value,
 * 64 Ki characters of key, 64 MiB in one call.
 *
 * @throws RECORD_TOO_LARGE, INVALID_ARGUMENT
 */
export function checkRecords(records: readonly NewRecord[], partitions: number): void {
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const { key, partition, value } = records[i]!;
    bytes += value.length;
    if (value.length > MAX_VALUE_BYTES) throw tooLarge('value', value.length, `at most ${MAX_VALUE_BYTES} bytes`);
    if (key !== undefined) {
      bytes += key.length;
      if (key.length > MAX_KEY_LENGTH) throw tooLarge('key', key.length, `at most ${MAX_KEY_LENGTH} characters`);
    }
    if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition < partitions)) {
      throw new MillraceError('INVALID_ARGUMENT', `there is no partition ${partition}`, {
        field: 'partition',
        value: partition,
        accepted: `an integer from 0 to ${partitions - 1}`,
      });
    }
  }
  if (bytes > MAX_CALL_BYTES) throw tooLarge('records', bytes, `at most ${MAX_CALL_BYTES} bytes in one call`);
}

const tooLarge = (field: string, value: number, accepted: string): MillraceError =>
  new MillraceError('RECORD_TOO_LARGE', `the ${field} of a record is too large (${value}): ${accepted}`, {
    field,
    value,
    accepted,
  });
