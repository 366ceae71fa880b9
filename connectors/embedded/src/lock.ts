import { join } from 'node:path';

import { hasCode, isAlive, MillraceError, readOwner } from '@millrace/core';
import { ClassicLevel } from 'classic-level';

import { readIfPresent, replaceFile } from './files.ts';

/**
 * Who may hold a lock together: `process` is shared by everything in this process, over all its threads (the HTTP
 * thread and the processor's worker); `log` has one holder, because a log has one writer.
 */
export type LockName = 'process' | 'log';

export interface Lock {
  /** Closing twice is harmless. */
  close(): Promise<void>;
}

/**
 * Takes a lock of the data directory: a tiny LevelDB, held open. Its lock belongs to the operating system, so it is
 * gone with the process however that ends, and no stale one has to be told from a live one.
 *
 * @param directory its canonical path
 * @throws DATA_DIRECTORY_LOCKED; other errors as LevelDB gives them
 */
export async function takeLock(directory: string, name: LockName): Promise<Lock> {
  const location = join(directory, 'lock', name);
  // LevelDB counts the openers of one process itself, over its threads, and unlocks with the last of them. They share
  // the first one's block cache, which goes with it: nothing may ever be stored here.
  const level = new ClassicLevel(location, { multithreading: name === 'process', maxOpenFiles: 64 });
  try {
    await level.open().catch(async (error: unknown) => {
      if (levelCode(error) !== 'LEVEL_CORRUPTION') throw error;
      // A power loss while it was made. There is nothing in it, so make it anew.
      await ClassicLevel.destroy(location);
      await level.open();
    });
    if (name === 'process') await writePid(join(directory, 'lock', 'pid'));
  } catch (error) {
    await level.close();
    throw levelCode(error) === 'LEVEL_LOCKED' ? await lockedError(directory, error) : error;
  }
  return level;
}

/** A thread that joins its process writes nothing: on a full disk it could not. */
async function writePid(path: string): Promise<void> {
  const content = `${process.pid}\n`;
  if ((await readIfPresent(path)) !== content) await replaceFile(path, content);
}

/** The LevelDB error behind a failed open. */
export function levelCode(error: unknown): string | undefined {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === 'LEVEL_DATABASE_NOT_OPEN' && cause instanceof Error ? levelCode(cause) : code;
}

async function lockedError(directory: string, cause: unknown): Promise<MillraceError> {
  // That the directory is locked matters more than a file about its owner that cannot be read.
  const owner = await readOwner(directory).catch((error: unknown) => {
    if (hasCode(error, 'INVALID_OPTION')) return undefined;
    throw error;
  });
  const pid = owner?.pid ?? Number(await readIfPresent(join(directory, 'lock', 'pid')));
  const holder = pid > 0 && isAlive(pid) ? `process ${pid}` : 'another process';
  const who = pid === process.pid ? `this process (${pid})` : holder;
  const where = owner === undefined ? '' : `, which answers at ${owner.url}`;
  const todo = pid === process.pid ? 'Close it first' : 'Stop that process first';
  return new MillraceError(
    'DATA_DIRECTORY_LOCKED',
    `the data directory ${directory} is in use by ${who}${where}. ${todo}, or choose another --data`,
    { field: '--data', value: directory, cause },
  );
}
