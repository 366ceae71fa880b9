import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError } from '@millrace/core';

/** Keeps how far a file has been read, over restarts. */
export class PositionFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  /**
   * Undefined when none is kept. A file that was replaced or cut since begins at its start.
   *
   * @throws REFUSED when the file holds something else
   */
  async read(file: Stats): Promise<number | undefined> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const [, inode, offset] = /^\{"inode":(\d+),"offset":(\d+)\}\n$/.exec(text) ?? [];
    if (offset === undefined) {
      const message = `${this.#path} is no position of a file: remove it to begin at the start, or name another one`;
      throw new MillraceError('REFUSED', message, { field: 'position', value: this.#path });
    }
    return Number(inode) === file.ino && Number(offset) <= file.size ? Number(offset) : 0;
  }

  /** At once for readers: the old position or the new one, never half of it. */
  async write({ ino }: Stats, offset: number): Promise<void> {
    const draft = `${this.#path}.tmp`;
    await writeFile(draft, `{"inode":${ino},"offset":${offset}}\n`);
    await rename(draft, this.#path);
  }
}
