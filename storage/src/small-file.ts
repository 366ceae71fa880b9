import { dirname } from 'node:path';
import type { Disk } from './disk.ts';
import { toStorageError } from './errors.ts';

/**
 * Replaces the file's content in one step that survives a power loss: afterwards the old content is there or the new
 * one, never a mixture. Calls for one path must follow one another.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  // One may be left over from a crash.
  if (await exists(disk, temporary)) await disk.unlink(temporary);
  const file = await disk.open(temporary, 'create');
  try {
    await file.write(content, content.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
}

/** The whole file, or undefined when there is none. */
export async function readSmallFile(disk: Disk, path: string): Promise<Buffer | undefined> {
  if (!(await exists(disk, path))) return undefined;
  const file = await disk.open(path, 'read');
  try {
    const content = Buffer.alloc(await file.size());
    await file.read(content, content.length, 0);
    return content;
  } finally {
    await file.close();
  }
}

async function exists(disk: Disk, path: string): Promise<boolean> {
  try {
    const file = await disk.open(path, 'read');
    await file.close();
    return true;
  } catch (error) {
    if (toStorageError(error, `open ${path}`).code === 'FILE_MISSING') return false;
    throw error;
  }
}
