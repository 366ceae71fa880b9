import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from './errors.ts';

/** The running platform of a data directory: how commands on the same machine find it. */
export interface Owner {
  readonly pid: number;
  /** Where it answers, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Opens `/admin` to whoever can read the file. */
  readonly adminToken: string;
}

const fileOf = (directory: string): string => join(directory, 'owner.json');

/** Announces this process. Only its user can read the file, because of the token; a reader never sees half of it. */
export async function writeOwner(directory: string, owner: Owner): Promise<void> {
  const temporary = `${fileOf(directory)}.${process.pid}`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(owner)}\n`);
  } finally {
    await file.close();
  }
  await rename(temporary, fileOf(directory));
}

/**
 * The platform that is running on the directory; undefined when there is none, also when one left its file behind.
 *
 * @throws INVALID_OPTION when there is a file that may not be read or is none of ours
 */
export async function readOwner(directory: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(fileOf(directory), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(directory, message, error);
  }
  const owner = parseOwner(directory, text);
  return isAlive(owner.pid) ? owner : undefined;
}

/** Takes back the announcement of this process; another process's stays. */
export async function removeOwner(directory: string): Promise<void> {
  const owner = await readOwner(directory);
  if (owner?.pid === process.pid) await rm(fileOf(directory), { force: true });
}

function parseOwner(directory: string, text: string): Owner {
  try {
    const owner = JSON.parse(text) as Owner;
    if (Number.isSafeInteger(owner.pid) && owner.pid > 0 && URL.canParse(owner.url)) return owner;
  } catch (error) {
    throw unreadable(directory, 'it is not JSON', error);
  }
  throw unreadable(directory, 'it names no process and address', undefined);
}

function unreadable(directory: string, reason: string, cause: unknown): MillraceError {
  const message = `${fileOf(directory)} cannot be read: ${reason}. Give --url instead, or remove the file`;
  return new MillraceError('INVALID_OPTION', message, { field: '--data', value: directory, cause });
}

/** Whether a process with this id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
