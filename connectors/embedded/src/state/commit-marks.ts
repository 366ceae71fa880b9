import { MillraceError } from '@millrace/core';

import { ByteReader, ByteWriter } from './bytes.ts';
import type { Batch, Level } from './database.ts';
import { COMMIT_MARKS, commitMarkKey } from './keys.ts';

/**
 * Every commit leaves its number. LevelDB starts a new log file without syncing the one before, so a power loss may keep
 * a later commit and lose an earlier one, offsets and all: then the numbers have a hole. A second's commits can be lost
 * so, because there is a synced write every second; the marks reach back much further.
 */
export function markCommit(batch: Batch, commit: number): void {
  batch.put(commitMarkKey(commit), new ByteWriter(8).varint(commit).view());
}

/** @throws STATE_CORRUPT when a commit is missing below `last` */
export async function checkCommitMarks(level: Level, last: number): Promise<void> {
  const first = Math.max(1, last - COMMIT_MARKS + 1);
  const keys = Array.from({ length: last - first + 1 }, (_, at) => commitMarkKey(first + at));
  const marks = await level.getMany(keys);
  marks.forEach((mark, at) => {
    const commit = first + at;
    if (mark !== undefined && new ByteReader(mark).varint() === commit) return;
    throw new MillraceError('STATE_CORRUPT', `commit ${commit} of ${last} is missing, as after a power loss`);
  });
}
