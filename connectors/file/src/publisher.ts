import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defineSink, endLastLine, jsonText, makeDirectory } from '@millrace/core';
import type { Encoded, Message, Refusal, Sink } from '@millrace/core';
import { nodeDisk } from '@millrace/storage';
import { toFileError } from './errors.ts';
import { fileSinkOptions } from './options.ts';
import { pathOf } from './path.ts';

interface Line extends Encoded {
  readonly text: string;
}

/** What a string and its object take beside the characters, about. */
const OVERHEAD_BYTES = 64;

/** Appends messages to a file, one per line. */
export const fileSink = defineSink({
  options: fileSinkOptions,
  prepare({ text: url, values }) {
    const path = pathOf(url);
    return {
      encode(message: Message): Line {
        const text = `${jsonText(values.lines === 'values' ? message.value : envelopeOf(message))}\n`;
        return { text, bytes: text.length * 2 + OVERHEAD_BYTES };
      },
      async connect() {
        let file: FileHandle | undefined;
        try {
          const existing = firstExisting(dirname(path));
          await makeDirectory(dirname(path));
          file = await open(path, 'a+');
          await endLastLine(file);
          if (values.fsync) await syncNames(path, existing);
          return new FileSink(path, file, values.fsync);
        } catch (error) {
          await file?.close();
          throw toFileError(error, path);
        }
      },
    };
  },
});

/** `jsonText` of the value alone tells what is no JSON, which an envelope would leave out. */
function envelopeOf({ key, value, headers }: Message): unknown {
  jsonText(value);
  return { key, value, headers };
}

function firstExisting(folder: string): string {
  let candidate = folder;
  while (!existsSync(candidate) && dirname(candidate) !== candidate) candidate = dirname(candidate);
  return candidate;
}

/** The file's own name, and those of the folders that were made for it: without them its lines would be lost. */
async function syncNames(path: string, existing: string): Promise<void> {
  const disk = nodeDisk();
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await disk.syncDirectory(folder);
    if (folder === existing) return;
  }
}

class FileSink implements Sink<Line> {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #fsync: boolean;

  constructor(path: string, file: FileHandle, fsync: boolean) {
    this.#path = path;
    this.#file = file;
    this.#fsync = fsync;
  }

  async send(messages: readonly Line[]): Promise<readonly Refusal[]> {
    try {
      const { size } = await this.#file.stat();
      await this.#append(messages.map(({ text }) => text).join(''), size);
      if (this.#fsync) await this.#file.datasync();
    } catch (error) {
      throw toFileError(error, this.#path);
    }
    return [];
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(text: string, before: number): Promise<void> {
    try {
      await this.#file.appendFile(text);
    } catch (error) {
      // On a full disk a part of it may be there. All of it is sent again.
      await this.#file.truncate(before);
      throw error;
    }
  }
}
