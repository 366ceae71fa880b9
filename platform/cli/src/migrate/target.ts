import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, writeFile, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MillraceError } from '@millrace/core';
import { makeDataDirectory } from '../make-data-directory.ts';
import type { PlatformClient } from '../platform-client.ts';
import { sendChunk } from '../replay/sender.ts';

/** Where migrated tags go. */
export interface MigrationTarget {
  /** Resolves with the number that was refused, once all are safe. */
  write(lines: readonly string[]): Promise<number>;
  /** Bytes that are safe; what follows is cut off when a migration goes on from there. */
  readonly position: number;
  close(): Promise<void>;
}

const LINES = 1000;

/** Sends them to a running platform; a request that is repeated within ten minutes counts once. */
export function platformTarget(
  platform: PlatformClient,
  signal: AbortSignal,
  onRefusal: (why: string, tag: string) => void,
): MigrationTarget {
  return {
    position: 0,
    async write(lines) {
      let refused = 0;
      for (let start = 0; start < lines.length; start += LINES) {
        const body = Buffer.from(`${lines.slice(start, start + LINES).join('\n')}\n`);
        const tags = Math.min(LINES, lines.length - start);
        const chunk = {
          body,
          tags,
          from: 0,
          to: body.length,
          nextLine: 1,
          lineOf: (line: number) => line,
          errors: [],
          time: undefined,
        };
        const key = createHash('sha256').update(body).digest('hex');
        const { rejected, errors } = await sendChunk(platform, chunk, key, signal);
        refused += rejected;
        for (const { line, message } of errors) onRefusal(message, lines[start + line - 1]!);
      }
      return refused;
    },
    close: async () => {},
  };
}

/**
 * Appends them to a file of JSON lines, from `position` on.
 *
 * @param begun whether the file may have something: an earlier run has made it, or it is to be written anew
 * @throws INVALID_OPTION for a file that is someone else's, or no longer has what the earlier run wrote
 */
export async function fileTarget(path: string, position: number, begun: boolean): Promise<MigrationTarget> {
  const file = await openFor(path, position);
  const { size } = await file.stat();
  const problem =
    size < position
      ? 'does not have what the earlier run wrote: give --restart to begin with the first partition'
      : size > 0 && !begun
        ? 'has something already: name another file, or give --restart to write it anew'
        : undefined;
  if (problem !== undefined) {
    await file.close();
    throw new MillraceError('INVALID_OPTION', `${path} ${problem}`, { field: 'out', value: path });
  }
  await file.truncate(position);
  let end = position;
  return {
    get position() {
      return end;
    },
    async write(lines) {
      if (lines.length === 0) return 0;
      const text = Buffer.from(`${lines.join('\n')}\n`);
      await file.write(text, 0, text.length, end);
      await file.sync();
      end += text.length;
      return 0;
    },
    close: () => file.close(),
  };
}

async function openFor(path: string, position: number): Promise<FileHandle> {
  try {
    // For reading and writing: what is there stays until it is known whose it is.
    return await open(path, position === 0 ? constants.O_RDWR | constants.O_CREAT : 'r+');
  } catch (cause) {
    const problem =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' && position > 0
        ? 'is gone, which an earlier run began: give --restart to begin with the first partition'
        : `cannot be written (${(cause as Error).message}): name another file`;
    throw new MillraceError('INVALID_OPTION', `${path} ${problem}`, { field: 'out', value: path, cause });
  }
}

/** Only counts them. */
export const noTarget: MigrationTarget = { position: 0, write: async () => 0, close: async () => {} };

/** How far a migration has got. */
export interface MigrationProgress {
  /** All partitions below are done. */
  readonly next: number;
  readonly position: number;
  readonly profiles: number;
  readonly unreadable: number;
  readonly damagedTags: number;
  readonly refused: number;
  readonly tags: {
    readonly views: number;
    readonly viewsPrice: number;
    readonly buys: number;
    readonly buysPrice: number;
  };
  /** Epoch seconds of the minutes that have tags. */
  readonly minutes: readonly number[];
}

export async function readProgress(path: string): Promise<MigrationProgress | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as MigrationProgress;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A reader never sees half of it. */
export async function writeProgress(path: string, progress: MigrationProgress): Promise<void> {
  await makeDataDirectory(dirname(path));
  await writeFile(`${path}.new`, `${JSON.stringify(progress)}\n`);
  await rename(`${path}.new`, path);
}
