/**
 * - `DISK_FULL`: no space left; nothing of the call may be relied on, and the disk works again once space is made.
 * - `DISK_FAILED`: the disk refused for another reason; what was being written is in doubt.
 * - `CLOSED`: used after `close`.
 * - `FILE_EXISTS`, `FILE_MISSING`: as said.
 * - `TOO_LARGE`: a record or group over its limit.
 * - `TOO_MANY_PENDING`: more bytes wait for the disk than the bound allows.
 */
export type StorageErrorCode =
  | 'DISK_FULL'
  | 'DISK_FAILED'
  | 'CLOSED'
  | 'FILE_EXISTS'
  | 'FILE_MISSING'
  | 'TOO_LARGE'
  | 'TOO_MANY_PENDING';

/** The only error that this package throws on purpose. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const CODES: Readonly<Record<string, StorageErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EEXIST: 'FILE_EXISTS',
  ENOENT: 'FILE_MISSING',
};

/** An error of `node:fs` as ours; everything unknown is DISK_FAILED. */
export function toStorageError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error;
  const code = CODES[(error as NodeJS.ErrnoException).code ?? ''] ?? 'DISK_FAILED';
  return new StorageError(code, `${doing}: ${error instanceof Error ? error.message : String(error)}`, error);
}
