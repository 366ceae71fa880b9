import { open } from 'node:fs/promises';
import { endLastLine, MillraceError } from '@millrace/core';
import { counted, type Terminal } from '../terminal.ts';

/** Of many, the first are enough to see what is wrong. */
const SHOWN = 20;

/** Shows the first problems of a migration and counts the others; a file takes all of them, as JSON lines. */
export class MigrationProblems {
  readonly #terminal: Terminal;
  readonly #path: string | undefined;
  #count = 0;
  #unsaved = '';

  constructor(terminal: Terminal, path: string | undefined) {
    this.#terminal = terminal;
    this.#path = path;
  }

  /** `details` says where it stands. */
  readonly add = ({ code, message, details }: Pick<MillraceError, 'code' | 'message' | 'details'>): void => {
    if (this.#count++ < SHOWN) this.#terminal.note(`${code}: ${message}`);
    if (this.#path !== undefined) this.#unsaved += `${JSON.stringify({ code, message, ...details })}\n`;
  };

  /** Adds what is new to the file, which may be that of an earlier run. @throws INVALID_OPTION */
  async save(): Promise<void> {
    if (this.#path === undefined) return;
    try {
      await using file = await open(this.#path, 'a+');
      await endLastLine(file);
      await file.appendFile(this.#unsaved);
    } catch (cause) {
      const message = `${this.#path} cannot be written (${(cause as Error).message}): name another file`;
      throw new MillraceError('INVALID_OPTION', message, { field: 'problems', value: this.#path, cause });
    }
    this.#unsaved = '';
  }

  /** Says how many were not shown. */
  sumUp(): void {
    const more = this.#count - SHOWN;
    if (more <= 0) return;
    const where = this.#path ?? 'give --problems FILE to have them in a file';
    this.#terminal.note(`and ${counted(more, 'problem')} more: ${where}`);
  }
}
