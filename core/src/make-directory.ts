import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory, and its parents where they are missing; harmless when it exists.
 *
 * Not by Node's own `recursive`: that tries for ever, without a pause and past SIGTERM, where the parent exists and yet
 * nothing can be made in it (`/proc`, a directory that was removed while it was in use).
 *
 * @param mode permissions of what is made, before the umask. Default 0777
 * @throws the error of `mkdir`; EEXIST when the path, or a parent, is there and no directory
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  await makeWithParents(resolve(path), mode);
}

async function makeWithParents(path: string, mode: number): Promise<void> {
  try {
    await makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error;
    await makeWithParents(parent, mode);
    await makeOne(path, mode);
  }
}

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
