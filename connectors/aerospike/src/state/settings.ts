import type { StateSchema } from '@millrace/core';
import { checkSettings, type StateSettings, stateSettings } from '@millrace/core/state';

import { statusError, STATUS } from '../errors.ts';
import type { Records } from '../records.ts';
import type { StateKeys } from './keys.ts';

const FORMAT = '2';

/**
 * Checks schema and number of partitions against those of the stored state, or stores them with a new one.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH; DATA_DIRECTORY_VERSION for a state of another format; INVALID_ARGUMENT
 */
export async function agreeOnSettings(
  records: Records,
  keys: StateKeys,
  options: { readonly schema: StateSchema; readonly partitions: number },
): Promise<void> {
  const wanted = stateSettings(FORMAT, options);
  const key = keys.settings();
  let [stored] = await records.read([key]);
  if (stored === undefined) {
    const { driver } = records;
    const { exp } = driver;
    // Set once, however many processes try.
    const isNew = records.policy(exp.not(exp.binExists('format')));
    const operations = Object.entries(wanted).map(([name, value]) => driver.operations.write(name, value as string));
    await records.write([{ key, operations, policy: isNew }]);
    [stored] = await records.read([key]);
  }
  const { display } = records.connection.address;
  if (stored === undefined) throw statusError(STATUS.notFound, display);
  // A record of another format need not have them all; then they differ from what is wanted.
  checkSettings(stored as unknown as StateSettings, wanted, { place: display, another: 'set' });
}
