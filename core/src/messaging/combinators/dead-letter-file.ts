import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { endLastLine } from '../../end-last-line.ts';
import { MillraceError } from '../../errors.ts';
import { makeDirectory } from '../../make-directory.ts';
import type { JsonValue } from '../../publisher.ts';

/** Appends what could not be delivered to a file, one JSON object per line. */
export class DeadLetterFile {
  readonly path: string;
  #last: Promise<void> = Promise.resolve();
  written = 0;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Resolves when the operating system has the line. @throws UNAVAILABLE */
  async write(letter: { readonly [field: string]: JsonValue }): Promise<void> {
    // One write after the other: the lines keep their order.
    const written = this.#last.then(() => this.#append(`${JSON.stringify(letter)}\n`));
    this.#last = written.catch(() => undefined);
    await written;
    this.written++;
  }

  async #append(line: string): Promise<void> {
    try {
      await makeDirectory(dirname(this.path));
      const file = await open(this.path, 'a+');
      try {
        await endLastLine(file);
        await file.appendFile(line);
      } finally {
        await file.close();
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `the dead letters cannot be written to ${this.path}: ${reason}`;
      throw new MillraceError('UNAVAILABLE', message, { field: 'path', value: this.path, cause });
    }
  }
}
