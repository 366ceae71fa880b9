import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { defineSource, MillraceError } from '@millrace/core';
import type { OptionValues, PreparedSource, Received, Source } from '@millrace/core';
import { nodeDisk } from '@millrace/storage';
import { toFileError } from './errors.ts';
import { LineReader } from './line-reader.ts';
import type { Line } from './line-reader.ts';
import { fileSourceOptions } from './options.ts';
import { pathOf } from './path.ts';
import { PositionFile } from './position-file.ts';

type Values = OptionValues<typeof fileSourceOptions>;

/** Reads messages from a file, one per line. */
export const fileSource = defineSource({
  options: fileSourceOptions,
  prepare: ({ text, values }): PreparedSource => new FileTarget(pathOf(text), values),
});

/** Remembers how far it was read from one connection to the next. */
class FileTarget implements PreparedSource {
  readonly #path: string;
  readonly #values: Values;
  readonly #positions: PositionFile | undefined;
  #read: number | undefined;

  constructor(path: string, values: Values) {
    this.#path = path;
    this.#values = values;
    this.#positions = values.position === undefined ? undefined : new PositionFile(values.position, nodeDisk());
  }

  async connect(): Promise<Source> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path, 'r');
      return await this.#sourceOf(file);
    } catch (error) {
      await file?.close();
      throw this.#errorOf(error);
    }
  }

  async #sourceOf(file: FileHandle): Promise<Source> {
    const stats = await file.stat();
    if (stats.isDirectory()) {
      throw new MillraceError('REFUSED', `${this.#path} is a folder`, { field: 'path', value: this.#path });
    }
    const kept = this.#positions === undefined ? this.#read : await this.#positions.read(stats);
    const position = kept ?? (this.#values.from === 'end' ? stats.size : 0);
    const reached = (end: number): void => {
      this.#read = end;
    };
    const source = new FileSource(file, this.#path, position, this.#values, reached);
    return this.#positions === undefined ? source : acknowledged(source, this.#positions, stats, this.#path);
  }

  #errorOf(error: unknown): MillraceError {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || this.#values.follow) return toFileError(error, this.#path);
    const message = `there is no file ${this.#path}: create it, or wait for it with follow=true`;
    return new MillraceError('NOT_FOUND', message, { field: 'path', value: this.#path, cause: error });
  }
}

/** The source with a position that is kept: what lies behind it comes again. */
function acknowledged(source: FileSource, positions: PositionFile, stats: Stats, path: string): Source {
  return {
    receive: (max, signal) => source.receive(max, signal),
    async acknowledge(received) {
      try {
        await positions.write(stats, received.at(-1)!.token as number);
      } catch (error) {
        throw toFileError(error, path);
      }
    },
    close: () => source.close(),
  };
}

class FileSource implements Source {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #values: Values;
  readonly #reached: (end: number) => void;
  #reader: LineReader;

  constructor(file: FileHandle, path: string, position: number, values: Values, reached: (end: number) => void) {
    this.#file = file;
    this.#path = path;
    this.#values = values;
    this.#reached = reached;
    this.#reader = new LineReader(file, position);
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[] | undefined> {
    if (signal.aborted) return [];
    try {
      const lines = await this.#reader.read(max);
      if (lines.length > 0) return this.#receivedFrom(lines);
      if (this.#values.follow) {
        // Whoever emptied the file has begun a new one.
        if (await this.#reader.wasCut()) this.#reader = new LineReader(this.#file, 0);
        return [];
      }
      // Where the rest would be asked for later, it is left until its line is whole.
      const rest = this.#values.position === undefined ? this.#reader.takeRest() : undefined;
      return rest === undefined ? undefined : this.#receivedFrom([rest]);
    } catch (error) {
      throw toFileError(error, this.#path);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #receivedFrom(lines: readonly Line[]): Received[] {
    this.#reached(lines.at(-1)!.end);
    return lines.map(({ text, end }) => ({
      ...(this.#values.lines === 'messages' ? opened(text) : { body: text }),
      token: end,
    }));
  }
}

interface Envelope {
  readonly key?: string;
  readonly value: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A line that is no envelope is taken as a value: nothing that stands in the file is passed over. */
function opened(text: string | Uint8Array): Received {
  const envelope = typeof text === 'string' ? envelopeOf(text) : undefined;
  if (envelope === undefined) return { body: text };
  const { key, value, headers } = envelope;
  return { key, headers, body: JSON.stringify(value) };
}

function envelopeOf(text: string): Envelope | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    return isEnvelope(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null || !('value' in value)) return false;
  const { key, headers } = value as Envelope;
  const named = key === undefined || typeof key === 'string';
  return named && (headers === undefined || (typeof headers === 'object' && headers !== null));
}
