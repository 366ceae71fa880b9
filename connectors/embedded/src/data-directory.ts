import { makeDirectory, MillraceError } from '@millrace/core';

import { type Lock, type LockName, takeLock } from './lock.ts';
import { canonicalPath } from './url.ts';
import { ensureVersion, type FormatSupport, type VersionStamp } from './version.ts';

/** A data directory that this process owns while it is open. docs/embedded.md says what is in it. */
export interface DataDirectory {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly version: VersionStamp;
  /** Gives the locks back. Closing twice is harmless. */
  close(): Promise<void>;
}

export interface DataDirectoryOptions {
  /** Formats that can be opened. Default: those of this version. */
  readonly supported?: FormatSupport;
  /** `log` for the one writer of the log, beside the lock that everything in a process shares. */
  readonly exclusive?: Exclude<LockName, 'process'>;
}

/**
 * Opens a data directory, after making it (0700) where there is none: takes its lock, then checks its version stamp and
 * migrates it if it is older. Any number of openers of one process share the lock, from any thread; the last to
 * close gives it back.
 *
 * @throws DATA_DIRECTORY_LOCKED when another process has it, or when the `exclusive` part is taken.
 * @throws DATA_DIRECTORY_VERSION when its format cannot be read.
 * @throws INVALID_OPTION when the path cannot be a data directory: a file, no permission.
 * @throws STORE_FAILED when the disk is full.
 */
export async function openDataDirectory(path: string, options: DataDirectoryOptions = {}): Promise<DataDirectory> {
  const names: LockName[] = options.exclusive === undefined ? ['process'] : ['process', options.exclusive];
  const locks: Lock[] = [];
  const close = async (): Promise<void> => {
    for (const lock of locks.toReversed()) await lock.close();
  };
  try {
    await makeDirectory(path, 0o700);
    const directory = await canonicalPath(path);
    for (const name of names) locks.push(await takeLock(directory, name));
    return { path: directory, version: await ensureVersion(directory, options.supported), close };
  } catch (error) {
    await close();
    throw error instanceof MillraceError ? error : unusable(path, error);
  }
}

const REASONS: readonly (readonly [pattern: RegExp, reason: string, todo: string])[] = [
  [/EEXIST|ENOTDIR|Not a directory/, 'is not a directory', 'Choose another --data'],
  [
    /EACCES|EPERM|EROFS|Permission denied|Read-only file system/,
    'may not be written to by this user',
    'Give it to the user, or choose another --data',
  ],
];

const FULL = /ENOSPC|EDQUOT|No space left|quota exceeded/i;

/** LevelDB gives no error numbers, only the system's text; Node.js gives both. */
function unusable(path: string, error: unknown): MillraceError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (FULL.test(text)) {
    const message = `${path} lies on a full disk: make room, or choose another --data on a disk that has some`;
    return new MillraceError('STORE_FAILED', message, { cause: error });
  }
  const known = REASONS.find(([pattern]) => pattern.test(text));
  const message =
    known === undefined
      ? `the data directory ${path} cannot be opened: ${text}. Choose another --data`
      : `${path} cannot be the data directory: it ${known[1]}. ${known[2]}`;
  return new MillraceError('INVALID_OPTION', message, {
    field: '--data',
    value: path,
    accepted: 'a directory that can be made or written to',
    cause: error,
  });
}
