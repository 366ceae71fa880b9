import { MillraceError } from '@millrace/core';
import { StorageError } from '@millrace/storage';

/** What trying again does not heal. A full disk, or a folder that is not there yet, may heal. */
const LASTING = new Set(['EACCES', 'EISDIR', 'ENOTDIR', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ELOOP']);

/** The error of a call of the file system as ours. */
export function toFileError(error: unknown, path: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const { code, message } = (error instanceof StorageError ? error.cause : error) as NodeJS.ErrnoException;
  const lasting = code !== undefined && LASTING.has(code);
  return new MillraceError(lasting ? 'REFUSED' : 'UNAVAILABLE', `${path}: ${message}`, {
    field: 'path',
    value: path,
    cause: error,
  });
}
