import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

import { nodeDisk } from '@millrace/storage';

/**
 * Replaces a small file so that a crash or a power loss leaves either the old or the new content. Unlike storage's, it may
 * be called by several threads at once.
 *
 * @param mode permissions of the new file; they never widen, not even for a moment
 */
export async function replaceFile(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await nodeDisk().syncDirectory(dirname(path));
}

/** The file's text, undefined when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
