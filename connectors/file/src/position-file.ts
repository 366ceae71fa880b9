import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError } from '@millrace/core';
import { type Disk, readSmallFile, replaceFile } from '@millrace/storage';

/** Keeps how far a file has been read, over restarts. */
export class PositionFile {
  readonly #path: string;
  readonly #disk: Disk;

  constructor(path: string, disk: Disk) {
    this.#path = resolve(path);
    this.#disk = disk;
  }

  /**
   * Undefined when none is kept. A file that was replaced or cut since begins at its start.
   *
   * @throws REFUSED when the file holds something else
   */
  async read(file: Pick<Stats, 'ino' | 'size'>): Promise<number | undefined> {
    const content = await readSmallFile(this.#disk, this.#path);
    if (content === undefined) return undefined;
    const [, inode, offset] = /^\{"inode":(\d+),"offset":(\d+)\}\n$/.exec(content.toString()) ?? [];
    if (offset === undefined) {
      const message = `${this.#path} is no position of a file: remove it to begin at the start, or name another one`;
      throw new MillraceError('REFUSED', message, { field: 'position', value: this.#path });
    }
    return Number(inode) === file.ino && Number(offset) <= file.size ? Number(offset) : 0;
  }

  /** Resolves when it survives a power loss; until then the old position does, never half of one. */
  async write({ ino }: Pick<Stats, 'ino'>, offset: number): Promise<void> {
    await replaceFile(this.#disk, this.#path, Buffer.from(`{"inode":${ino},"offset":${offset}}\n`));
  }
}
