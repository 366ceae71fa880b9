import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import { MillraceError } from '@millrace/core';

/** For a table and the files that name what there is. */
const LEAST_BYTES = 16 * 1024 * 1024;

/**
 * Checks that LevelDB can be opened: it then writes what it finds in its logs into tables, and only after that removes
 * the logs.
 *
 * @throws STORE_FAILED when there is too little room
 */
export async function assertRoomToOpen(directory: string): Promise<void> {
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'));
  let needed = LEAST_BYTES;
  for (const name of logs) needed += (await stat(join(directory, name))).size;
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= needed) return;
  throw new MillraceError(
    'STORE_FAILED',
    `the disk of ${directory} has ${bavail * bsize} bytes left, and the state needs ${needed}: make room`,
  );
}
