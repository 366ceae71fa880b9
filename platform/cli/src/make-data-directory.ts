import { makeDirectory, MillraceError } from '@millrace/core';

/**
 * Makes the data directory, or one within it, for its user only.
 *
 * @throws INVALID_OPTION where that is not possible
 */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError('INVALID_OPTION', `${path} cannot be made (${reason}): choose another --data`, {
      field: '--data',
      value: path,
      accepted: 'a directory that can be made or written to',
      cause: error,
    });
  }
}
