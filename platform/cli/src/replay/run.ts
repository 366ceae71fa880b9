import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '@millrace/core';
import type { PlatformClient } from '../platform-client.ts';
import type { Chunk, ChunkLimits, LineError } from './chunk.ts';
import { csvChunks, csvHeader } from './csv.ts';
import type { Cursor, CursorFile } from './cursor.ts';
import { placeOf } from './cursor.ts';
import type { Mapping } from './mapping.ts';
import { createMapper, propertyOf } from './mapping.ts';
import { ndjsonChunks } from './ndjson.ts';
import { sendChunk } from './sender.ts';

export interface ReplayOptions {
  /** Undefined reads `stdin`. */
  readonly file: string | undefined;
  readonly stdin: NodeJS.ReadableStream;
  readonly format: 'ndjson' | 'csv';
  readonly delimiter: string;
  readonly mapping: Mapping;
  /** Tags per second; 0 is as fast as possible. */
  readonly rate: number;
  /** Event time per time; 0 does not pace by event time. */
  readonly speed: number;
  /** Stop at the first wrong line. */
  readonly strict: boolean;
}

export interface ReplayReport {
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Byte position that this run started from. */
  readonly resumedFrom: number;
  readonly finished: boolean;
}

export interface ReplayReporter {
  /** @param share of the bytes of the file; undefined for an input of unknown length */
  progress(share: number | undefined, accepted: number, perSecond: number): void;
  wrongLine(error: LineError): void;
}

const CHUNK_LINES = 5000;
const CHUNK_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;
/** With a rate or a speed, chunks of about so much time. */
const PACE_MS = 100;

/** Sends the tags of an input in their order. With a cursor, a later run goes on where this one ends, however it ends. */
export async function runReplay(
  platform: PlatformClient,
  options: ReplayOptions,
  cursorFile: CursorFile | undefined,
  start: Cursor,
  reporter: ReplayReporter,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const size = options.file === undefined ? undefined : (await stat(options.file)).size;
  const startedAt = performance.now();
  const pace = createPace(options);
  let cursor = start;
  let finished = true;
  const report = (): ReplayReport => {
    const seconds = (performance.now() - startedAt) / 1000;
    const accepted = cursor.accepted - start.accepted;
    return {
      accepted,
      rejected: cursor.rejected - start.rejected,
      seconds: Math.round(seconds * 1000) / 1000,
      perSecond: Math.round(accepted / seconds),
      resumedFrom: start.position,
      finished,
    };
  };
  for await (const chunk of ahead(await openChunks(options, start))) {
    await pace(chunk, signal);
    if (signal.aborted) {
      finished = false;
      break;
    }
    await cursorFile?.write({ ...cursor, sendingTo: chunk.to });
    const result = await sendChunk(platform, chunk, `${start.replay}-${chunk.from}`, signal);
    for (const error of result.errors) reporter.wrongLine(error);
    cursor = {
      ...cursor,
      position: chunk.to,
      line: chunk.nextLine,
      sendingTo: undefined,
      accepted: cursor.accepted + result.accepted,
      rejected: cursor.rejected + result.rejected,
    };
    await cursorFile?.write(cursor);
    reporter.progress(size === undefined ? undefined : chunk.to / size, cursor.accepted, report().perSecond);
    if (options.strict && result.rejected > 0) {
      finished = false;
      break;
    }
  }
  return report();
}

async function openChunks(options: ReplayOptions, start: Cursor): Promise<AsyncIterable<Chunk>> {
  const { file, stdin, format, delimiter, mapping, rate, speed } = options;
  const place = placeOf(start);
  const limits: ChunkLimits = {
    lines: rate === 0 ? CHUNK_LINES : Math.min(CHUNK_LINES, Math.max(1, Math.ceil((rate * PACE_MS) / 1000))),
    bytes: CHUNK_BYTES,
    spanMs: speed === 0 ? undefined : speed * PACE_MS,
  };
  const input =
    file === undefined ? stdin : createReadStream(file, { start: start.position, highWaterMark: READ_BYTES });
  if (format === 'csv') {
    const header = file === undefined || start.position === 0 ? undefined : await csvHeader(file, delimiter);
    return csvChunks(input, place, limits, { delimiter, mapping, header });
  }
  const mapped = mapping.columns.size > 0 || mapping.constants.size > 0;
  return ndjsonChunks(
    input as AsyncIterable<Buffer>,
    place,
    limits,
    mapped ? createMapper(mapping, propertyOf) : undefined,
  );
}

/** Prepares the next item while the caller is busy with one. */
async function* ahead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const item = await next;
      if (item.done === true) return;
      next = iterator.next();
      // Whoever awaits it next gets the error; until then it is not an unhandled one.
      next.catch(() => undefined);
      yield item.value;
    }
  } finally {
    await iterator.return?.();
  }
}

type Pace = (chunk: Chunk, signal: AbortSignal) => Promise<void>;

/** Waits until a chunk is due. */
function createPace({ rate, speed }: ReplayOptions): Pace {
  const startedAt = performance.now();
  let sent = 0;
  let firstTime: number | undefined;
  return async (chunk, signal) => {
    firstTime ??= chunk.time;
    const byRate = rate === 0 ? 0 : (sent * 1000) / rate;
    const bySpeed = speed === 0 ? 0 : ((chunk.time ?? firstTime ?? 0) - (firstTime ?? 0)) / speed;
    sent += chunk.tags;
    const due = startedAt + Math.max(byRate, bySpeed);
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(ignoreAbort);
  };
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}

/** `60x` or `60`: event time per time. @throws INVALID_OPTION */
export function parseSpeed(text: string | undefined): number {
  if (text === undefined) return 0;
  const speed = /^\d+(\.\d+)?x?$/.test(text) ? Number.parseFloat(text) : 0;
  if (speed > 0) return speed;
  const accepted = 'a factor above 0, such as 60x';
  throw new MillraceError('INVALID_OPTION', `--speed: ${JSON.stringify(text)} is not ${accepted}`, {
    field: '--speed',
    value: text,
    accepted,
  });
}
