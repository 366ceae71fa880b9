import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDataDirectory } from '../make-data-directory.ts';
import type { Place } from './chunk.ts';

/** How far a file has been replayed into a platform. */
export interface Cursor {
  /** Names this replay in the keys of its requests, so that a chunk sent twice counts once. */
  readonly replay: string;
  readonly file: string;
  /** All below it is acknowledged. */
  readonly position: number;
  readonly line: number;
  /** End of the chunk that was being sent. */
  readonly sendingTo: number | undefined;
  readonly accepted: number;
  readonly rejected: number;
  /** SHA-256 of the file's first bytes, at most 64 KiB of those below `position`: tells another file of the same name. */
  readonly hash: string;
}

const HASHED_BYTES = 64 * 1024;

/** Keeps the cursor of one file in the data directory. */
export class CursorFile {
  private readonly file: string;
  private readonly path: string;

  private constructor(file: string, path: string) {
    this.file = file;
    this.path = path;
  }

  /** @param target what the file is replayed into: a data directory, or an address */
  static async of(file: string, dataDirectory: string, target: string): Promise<CursorFile> {
    const real = await realpath(file);
    const name = createHash('sha256').update(`${real}\n${target}`).digest('hex').slice(0, 32);
    return new CursorFile(real, join(dataDirectory, 'replay', `${name}.json`));
  }

  /** Where to go on: from the start when nothing is known, or when the file has changed below that place. */
  async read(): Promise<Cursor> {
    let cursor: Cursor;
    try {
      cursor = JSON.parse(await readFile(this.path, 'utf8')) as Cursor;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
      return this.fresh();
    }
    const same = cursor.hash === (await this.hashBelow(cursor.position));
    return same ? cursor : this.fresh();
  }

  async reset(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** A reader never sees half of it. */
  async write(cursor: Omit<Cursor, 'file' | 'hash'>): Promise<void> {
    const text = JSON.stringify({ ...cursor, file: this.file, hash: await this.hashBelow(cursor.position) });
    await makeDataDirectory(dirname(this.path));
    await writeFile(`${this.path}.new`, `${text}\n`);
    await rename(`${this.path}.new`, this.path);
  }

  private fresh(): Cursor {
    const replay = randomUUID();
    return { replay, file: this.file, position: 0, line: 1, sendingTo: undefined, accepted: 0, rejected: 0, hash: '' };
  }

  private async hashBelow(position: number): Promise<string> {
    const file = await open(this.file);
    try {
      const length = Math.min(HASHED_BYTES, position);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
      return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex');
    } finally {
      await file.close();
    }
  }
}

export const placeOf = ({ position, line, sendingTo }: Cursor): Place => ({ position, line, firstEnd: sendingTo });
