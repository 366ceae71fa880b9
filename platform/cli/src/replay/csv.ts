import { createReadStream } from 'node:fs';
import { MillraceError } from '@millrace/core';
import { parse } from 'csv-parse';
import type { CsvError, Info } from 'csv-parse';
import type { Chunk, ChunkLimits, LineError, Place } from './chunk.ts';
import type { Mapping } from './mapping.ts';
import { createMapper } from './mapping.ts';

interface Row {
  readonly record: readonly string[];
  readonly info: Info;
}

export interface CsvOptions {
  readonly delimiter: string;
  readonly mapping: Mapping;
  /** Names of the columns, when the input starts below the line that names them. */
  readonly header: readonly string[] | undefined;
}

/** Reads the line that names the columns. */
export async function csvHeader(file: string, delimiter: string): Promise<readonly string[]> {
  const parser = createReadStream(file).pipe(parse({ delimiter, bom: true, to: 1 }));
  for await (const record of parser) return record as string[];
  throw new MillraceError('INVALID_ARGUMENT', `${file} is empty: a CSV file starts with the names of its columns`);
}

/** Turns the rows of a CSV file into user tags; the first row names the columns. */
export async function* csvChunks(
  input: NodeJS.ReadableStream,
  place: Place,
  limits: ChunkLimits,
  { delimiter, mapping, header }: CsvOptions,
): AsyncGenerator<Chunk> {
  const builder = new ChunkBuilder(place, limits);
  const parser = parse({ delimiter, bom: place.position === 0, info: true, skip_records_with_error: true });
  // What a parser could not read is still counted in the lines of the next row.
  parser.on('skip', ({ message, lines }: CsvError & { lines?: number }) =>
    builder.fail({ line: place.line + (lines ?? 1) - 1, message }),
  );
  input.on('error', (error) => parser.destroy(error));
  let columns = header;
  let mapper = columns === undefined ? undefined : rowMapper(mapping, columns);
  for await (const row of input.pipe(parser)) {
    const { record, info } = row as Row;
    const end = place.position + info.bytes;
    const nextLine = place.line + info.lines;
    if (mapper === undefined) {
      columns = record;
      mapper = rowMapper(mapping, columns);
      builder.skipTo(end, nextLine);
      continue;
    }
    const time = limits.spanMs === undefined ? undefined : mapper.time(record);
    if (builder.isFull(time)) yield builder.take();
    try {
      builder.add(mapper.tag(record), time, end, nextLine);
    } catch (error) {
      builder.fail({ line: nextLine - 1, message: (error as Error).message });
      builder.skipTo(end, nextLine);
    }
  }
  if (!builder.empty) yield builder.take();
}

/** @throws INVALID_OPTION for a column that is not there */
function rowMapper(mapping: Mapping, header: readonly string[]): ReturnType<typeof createMapper> {
  const places = new Map(header.map((name, index) => [name, index]));
  for (const [field, column] of mapping.columns) {
    if (places.has(column)) continue;
    const repeat = /,\w+=/.test(column) ? '; for several fields repeat --map' : '';
    throw new MillraceError(
      'INVALID_OPTION',
      `--map ${field}=${column}: the file has the columns ${header.join(', ')}${repeat}`,
      { field: '--map', value: column, accepted: header.join(', ') },
    );
  }
  return createMapper(mapping, (record, column) => {
    const index = places.get(column);
    return index === undefined ? undefined : (record as readonly string[])[index];
  });
}

class ChunkBuilder {
  private readonly limits: ChunkLimits;
  private firstEnd: number | undefined;
  private from: number;
  private to: number;
  private nextLine: number;
  private tags: string[] = [];
  private lines: number[] = [];
  private errors: LineError[] = [];
  private bytes = 0;
  private time: number | undefined;

  constructor({ position, line, firstEnd }: Place, limits: ChunkLimits) {
    this.limits = limits;
    this.firstEnd = firstEnd;
    this.from = position;
    this.to = position;
    this.nextLine = line;
  }

  get empty(): boolean {
    return this.tags.length === 0 && this.errors.length === 0;
  }

  /** @param time of the row that comes next */
  isFull(time: number | undefined): boolean {
    if (this.empty) return false;
    const { lines, bytes, spanMs } = this.limits;
    if (this.firstEnd !== undefined) return this.to >= this.firstEnd;
    const spans = spanMs !== undefined && time !== undefined && this.time !== undefined;
    if (spans && Math.abs(time - this.time!) > spanMs) return true;
    return this.tags.length >= lines || this.bytes >= bytes;
  }

  add(tag: string, time: number | undefined, end: number, nextLine: number): void {
    this.tags.push(tag);
    // A row may span lines; it is known by its last one.
    this.lines.push(nextLine - 1);
    this.bytes += tag.length;
    this.time ??= time;
    this.skipTo(end, nextLine);
  }

  fail(error: LineError): void {
    this.errors.push(error);
  }

  skipTo(end: number, nextLine: number): void {
    this.to = end;
    this.nextLine = nextLine;
  }

  take(): Chunk {
    const { from, to, nextLine, tags, lines, errors, time } = this;
    this.from = to;
    this.tags = [];
    this.lines = [];
    this.errors = [];
    this.bytes = 0;
    this.time = undefined;
    this.firstEnd = undefined;
    const body = Buffer.from(tags.map((tag) => `${tag}\n`).join(''));
    return { from, to, nextLine, body, tags: tags.length, lineOf: (bodyLine) => lines[bodyLine - 1]!, errors, time };
  }
}
