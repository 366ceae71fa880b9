import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';

/** One line, and where the next one begins. */
export interface Line {
  readonly text: string | Uint8Array;
  readonly end: number;
}

const BLOCK_BYTES = 64 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Reads a file line by line from a position on. Empty lines are passed over. */
export class LineReader {
  readonly #file: FileHandle;
  /** Read, and not given away. */
  #block: Buffer = Buffer.alloc(0);
  /** Of the block's first byte. */
  #start: number;
  /** So much of the block is known to hold no line feed. */
  #searched = 0;

  constructor(file: FileHandle, position: number) {
    this.#file = file;
    this.#start = position;
  }

  /** The next whole lines, at most `max`; empty at the end of the file. */
  async read(max: number): Promise<Line[]> {
    for (;;) {
      const lines = this.#take(max);
      if (lines.length > 0 || !(await this.#fill())) return lines;
    }
  }

  /** What stands behind the last line feed, taken as a line; undefined when nothing does. */
  takeRest(): Line | undefined {
    const end = this.#start + this.#block.length;
    const rest = this.#block;
    this.#consume(rest.length);
    return rest.length === 0 ? undefined : { text: textOf(rest), end };
  }

  /** Whether the file has become shorter than what was read of it. */
  async wasCut(): Promise<boolean> {
    const { size } = await this.#file.stat();
    return size < this.#start + this.#block.length;
  }

  #take(max: number): Line[] {
    const lines: Line[] = [];
    let from = 0;
    while (lines.length < max) {
      const feed = this.#block.indexOf(LINE_FEED, Math.max(from, this.#searched));
      if (feed < 0) {
        this.#searched = this.#block.length;
        break;
      }
      const last = feed > from && this.#block[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed;
      if (last > from) lines.push({ text: textOf(this.#block.subarray(from, last)), end: this.#start + feed + 1 });
      from = feed + 1;
    }
    this.#consume(from);
    return lines;
  }

  #consume(bytes: number): void {
    this.#block = this.#block.subarray(bytes);
    this.#start += bytes;
    this.#searched = Math.max(0, this.#searched - bytes);
  }

  /** False at the end of the file. */
  async #fill(): Promise<boolean> {
    // A line that is longer than a block doubles the next one, so that its bytes are not copied over and over.
    const size = Math.max(BLOCK_BYTES, this.#block.length);
    const { bytesRead, buffer } = await this.#file.read(
      Buffer.allocUnsafe(size),
      0,
      size,
      this.#start + this.#block.length,
    );
    if (bytesRead === 0) return false;
    const read = buffer.subarray(0, bytesRead);
    this.#block = this.#block.length === 0 ? read : Buffer.concat([this.#block, read]);
    return true;
  }
}

/** Bytes that are no text stay bytes: the subscriber says what becomes of them. */
const textOf = (line: Buffer): string | Uint8Array => (isUtf8(line) ? line.toString() : Uint8Array.from(line));
