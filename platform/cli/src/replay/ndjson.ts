import { MillraceError } from '@millrace/core';
import type { Chunk, ChunkLimits, LineError, Place } from './chunk.ts';
import type { TagMapper } from './mapping.ts';
import { parseEventTime } from './time.ts';

const LINE_FEED = 0x0a;
/** The platform refuses lines of a hundredth of this: a file without line feeds is something else. */
const LONGEST_LINE = 8 * 1024 * 1024;

/** Cuts NDJSON at line ends, without parsing it unless it has to be mapped. */
export async function* ndjsonChunks(
  input: AsyncIterable<Buffer>,
  place: Place,
  limits: ChunkLimits,
  mapper: TagMapper | undefined,
): AsyncGenerator<Chunk> {
  const cutter = new Cutter(place, limits, mapper);
  for await (const bytes of input) {
    cutter.add(bytes);
    for (let chunk = cutter.cut(false); chunk !== undefined; chunk = cutter.cut(false)) yield chunk;
  }
  for (let chunk = cutter.cut(true); chunk !== undefined; chunk = cutter.cut(true)) yield chunk;
}

class Cutter {
  private readonly limits: ChunkLimits;
  private readonly mapper: TagMapper | undefined;
  private firstEnd: number | undefined;
  private position: number;
  private line: number;
  private pending: Buffer = Buffer.alloc(0);
  /** Of the pending bytes, those looked at: so many lines, ending here. */
  private scanned = 0;
  private lines = 0;
  private time: number | undefined;

  constructor({ position, line, firstEnd }: Place, limits: ChunkLimits, mapper: TagMapper | undefined) {
    this.position = position;
    this.line = line;
    this.firstEnd = firstEnd;
    this.limits = limits;
    this.mapper = mapper;
  }

  add(bytes: Buffer): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
  }

  /** The next chunk, once it is complete. @param end nothing more comes: what is left is a chunk, too */
  cut(end: boolean): Chunk | undefined {
    for (;;) {
      const lineEnd = this.pending.indexOf(LINE_FEED, this.scanned) + 1 || (end ? this.pending.length : 0);
      if (lineEnd <= this.scanned) break;
      // The line after the last that fits starts the next chunk.
      if (this.isFull(lineEnd)) return this.take();
      this.scanned = lineEnd;
      this.lines++;
    }
    if (this.pending.length - this.scanned > LONGEST_LINE) {
      throw new MillraceError('INVALID_ARGUMENT', `line ${this.line + this.lines} has no end: this is no NDJSON`);
    }
    return end && this.lines > 0 ? this.take() : undefined;
  }

  private isFull(lineEnd: number): boolean {
    const { limits, lines } = this;
    if (this.firstEnd !== undefined) return this.position + this.scanned >= this.firstEnd && lines > 0;
    if (limits.spanMs !== undefined && this.spansMore(limits.spanMs, lineEnd)) return true;
    return lines >= limits.lines || (lines > 0 && lineEnd > limits.bytes);
  }

  private spansMore(spanMs: number, lineEnd: number): boolean {
    const time = timeOfLine(this.pending.toString('utf8', this.scanned, lineEnd), this.mapper);
    if (time === undefined) return false;
    if (this.time === undefined) this.time = time;
    return this.lines > 0 && Math.abs(time - this.time) > spanMs;
  }

  private take(): Chunk {
    const bytes = this.pending.subarray(0, this.scanned);
    const { position: from, line: firstLine, lines, time, mapper } = this;
    this.pending = this.pending.subarray(this.scanned);
    this.position += this.scanned;
    this.line += lines;
    this.scanned = 0;
    this.lines = 0;
    this.time = undefined;
    this.firstEnd = undefined;
    const common = { from, to: this.position, nextLine: this.line, time };
    if (mapper !== undefined) return { ...common, ...mapLines(bytes, firstLine, mapper) };
    return { ...common, body: bytes, tags: lines, lineOf: (bodyLine) => firstLine + bodyLine - 1, errors: [] };
  }
}

function mapLines(
  bytes: Buffer,
  firstLine: number,
  mapper: TagMapper,
): Pick<Chunk, 'body' | 'tags' | 'lineOf' | 'errors'> {
  const mapped: string[] = [];
  const sources: number[] = [];
  const errors: LineError[] = [];
  for (const [index, text] of bytes.toString('utf8').split('\n').entries()) {
    if (text.trim() === '') continue;
    const line = firstLine + index;
    try {
      mapped.push(mapper.tag(JSON.parse(text)));
      sources.push(line);
    } catch (error) {
      errors.push({ line, message: (error as Error).message });
    }
  }
  return {
    body: Buffer.from(mapped.map((tag) => `${tag}\n`).join('')),
    tags: mapped.length,
    lineOf: (bodyLine) => sources[bodyLine - 1]!,
    errors,
  };
}

const TIME_FIELD = /"time"\s*:\s*"([^"]*)"/;

/** Event time of a line of NDJSON, milliseconds; undefined when it has none: the platform will say so. */
function timeOfLine(line: string, mapper: TagMapper | undefined): number | undefined {
  if (mapper === undefined) return parseEventTime(TIME_FIELD.exec(line)?.[1]);
  try {
    return mapper.time(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
