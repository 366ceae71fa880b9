import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, type Batch, type Bounds, type ConsumeOptions, type Damage, type LogRecord } from '@millrace/core';
import type { Disk, Watermark } from '@millrace/storage';
import { LogCursor, removedRange, type Stretch } from './cursor.ts';
import { outOfRange } from './errors.ts';
import type { LogSource } from './source.ts';
import { takeRecords } from './take-records.ts';

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const LEAST_BUFFER_BYTES = 64 * 1024;
/** A gap that stays must cost neither a core nor the disk; each handled batch starts over with the first pause. */
const GAP_PAUSE_MS = { first: 10, longest: 1000 };

/** Where a consumer reads. */
export interface LogPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly source: LogSource;
  bounds(): Promise<Bounds>;
}

/**
 * Reads the physical stream once for all partitions and hands on what lies in one stretch of it, one batch per
 * partition, empty ones included: so all partitions move together and nothing is read twice.
 */
export async function consumeLog(place: LogPlace, options: ConsumeOptions): Promise<void> {
  const { signal } = options;
  let pauseMs = GAP_PAUSE_MS.first;
  const handle: ConsumeOptions['handle'] = async (batches, revoked) => {
    await options.handle(batches, revoked);
    pauseMs = GAP_PAUSE_MS.first;
  };
  const wait = new AbortableWait(signal);
  try {
    while (!signal.aborted) {
      const start = await startOf(place, options);
      try {
        await consumeFrom(place, { ...options, handle }, start);
      } catch (error) {
        if (!hasCode(error, 'COMMIT_GAP')) throw error;
        await wait.for(sleep(pauseMs));
        pauseMs = Math.min(2 * pauseMs, GAP_PAUSE_MS.longest);
      }
    }
  } finally {
    wait.dispose();
  }
}

interface Start {
  /** Per partition, the offset to go on at. */
  readonly positions: number[];
  /** What retention removed although it was still wanted. */
  readonly damage: Damage[];
}

async function startOf(place: LogPlace, options: ConsumeOptions): Promise<Start> {
  const answers = await Promise.all(
    Array.from({ length: place.source.partitions }, (_, partition) => options.start(partition)),
  );
  const { earliest, next } = await place.bounds();
  const positions = answers.map((answer) => {
    if (answer === 'earliest') return earliest;
    return answer === 'latest' ? next : answer;
  });
  // Ahead of the log: it was deleted or restored from a backup, and going on would lose what comes next.
  const ahead = positions.findIndex((position) => position > next);
  if (ahead !== -1) throw outOfRange(ahead, positions[ahead]!, earliest, next);
  const lowest = Math.min(...positions);
  return { positions, damage: lowest < earliest ? [removedRange(place.directory, lowest, earliest)] : [] };
}

async function consumeFrom(place: LogPlace, options: ConsumeOptions, start: Start): Promise<void> {
  const { disk, directory, source } = place;
  const { signal, maxBytes = DEFAULT_MAX_BYTES } = options;
  const { positions } = start;
  const revoked = new AbortController().signal;
  let lost = start.damage;
  const cursor = new LogCursor(disk, directory, lost[0]?.to ?? Math.min(...positions));
  const buffer = Buffer.allocUnsafeSlow(Math.max(LEAST_BUFFER_BYTES, maxBytes));
  const wait = new AbortableWait(signal);
  let watermark = await source.watermark();
  try {
    while (!signal.aborted) {
      if (watermark.offset <= cursor.offset && lost.length === 0) {
        const moved = await wait.for(source.past(cursor.offset));
        if (moved === undefined) return;
        watermark = moved;
      }
      const stretch = await cursor.next(watermark, buffer);
      for (const { place: where, reason } of stretch.damage) source.damaged(where, reason);
      const { batches, to } = toBatches(cursor, stretch, positions, maxBytes, [...lost, ...stretch.damage]);
      if (batches.length > 0) await options.handle(batches, revoked);
      for (let p = 0; p < positions.length; p++) positions[p] = Math.max(positions[p]!, to);
      lost = [];
      watermark = await fresher(source, watermark, cursor);
    }
  } finally {
    wait.dispose();
    await cursor.close();
  }
}

/** Only a reader that has caught up asks the owner: a message per stretch would be wasted on the way. */
function fresher(source: LogSource, watermark: Watermark, cursor: LogCursor): Promise<Watermark> | Watermark {
  return cursor.offset < watermark.offset ? watermark : source.watermark();
}

function toBatches(
  cursor: LogCursor,
  stretch: Stretch,
  positions: readonly number[],
  maxBytes: number,
  damage: readonly Damage[],
): { readonly batches: Batch[]; readonly to: number } {
  const records: LogRecord[][] = positions.map(() => []);
  const sink = { from: positions, records, budget: maxBytes, taken: 0 };
  const to = takeRecords(cursor, stretch, sink);
  // Damage behind the place where the budget ended is met again with the next stretch.
  const reached = damage.filter((lost) => lost.from < to);
  const batches: Batch[] = [];
  for (let partition = 0; partition < positions.length; partition++) {
    const from = positions[partition]!;
    const reports = partition === 0 && reached.length > 0;
    if (to > from || reports) {
      const batch = { partition, from: Math.min(from, to), to, records: records[partition]! };
      batches.push(reports ? { ...batch, damage: reached } : batch);
    }
  }
  return { batches, to };
}

/**
 * Waiting that a signal ends. One listener for the whole run, and nothing that outlives a wait: racing every wait
 * against one long-lived promise would keep all of them in memory.
 */
class AbortableWait {
  readonly #signal: AbortSignal;
  #end: (() => void) | undefined;
  readonly #onAbort = (): void => this.#end?.();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
  }

  /** What the promise resolves with; undefined when the signal aborted first. */
  for<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#end = () => resolve(undefined);
      if (this.#signal.aborted) resolve(undefined);
      promise.then(resolve, reject);
    });
  }

  dispose(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
