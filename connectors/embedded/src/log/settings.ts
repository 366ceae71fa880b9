import { join } from 'node:path';
import { MillraceError } from '@millrace/core';
import { partitionsMismatch } from '../partitions-mismatch.ts';
import { listSegments, readSmallFile, replaceFile, type Disk } from '@millrace/storage';

interface SettingsFile {
  readonly format: 1;
  readonly partitions: number;
}

/**
 * Keeps the number of partitions in `log.json`: a key must find the partition it always had, so another number is
 * refused.
 *
 * @throws PARTITIONS_MISMATCH, LOG_CORRUPT
 */
export async function agreeOnPartitions(disk: Disk, directory: string, partitions: number): Promise<void> {
  const path = join(directory, 'log.json');
  await disk.mkdir(directory);
  const content = await readSmallFile(disk, path);
  if (content !== undefined) {
    const stored = parse(content, path);
    if (stored === partitions) return;
    throw partitionsMismatch(`the log in ${directory}`, stored, partitions);
  }
  if ((await listSegments(disk, directory)).length > 0) {
    throw new MillraceError(
      'LOG_CORRUPT',
      `${path} is missing: write {"format":1,"partitions":N} with the old number N`,
    );
  }
  const file: SettingsFile = { format: 1, partitions };
  await replaceFile(disk, path, Buffer.from(`${JSON.stringify(file)}\n`));
}

function parse(content: Buffer, path: string): number {
  try {
    return (JSON.parse(content.toString()) as SettingsFile).partitions;
  } catch (error) {
    throw new MillraceError('LOG_CORRUPT', `${path} is unreadable: write {"format":1,"partitions":N} with the old N`, {
      cause: error,
    });
  }
}
