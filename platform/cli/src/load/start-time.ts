import { MillraceError } from '@millrace/core';
import type { PlatformClient } from '../platform-client.ts';
import { rangeText } from '../time-options.ts';
import type { Range } from '../time-options.ts';
import { ACTIONS, MAX_LATE_MS } from './generator.ts';

const MINUTE_MS = 60_000;
/** What the interface has always allowed for one query. */
const QUERY_MS = 10 * MINUTE_MS;
/** Beyond it the minutes may be past the platform's retention. */
const SEARCH_BACK_MS = 20 * 60 * MINUTE_MS;

export interface StartOptions {
  readonly count: number;
  readonly late: number;
  /** Milliseconds since the epoch, as the user wants it. */
  readonly start: number | undefined;
}

/**
 * Event time for a run's first tag: the latest for which the run lies in the past and in minutes that nothing has
 * written to, because an aggregate counts everyone's tags.
 *
 * @throws INVALID_OPTION when the wanted minutes hold tags, or no stretch of free ones is found
 */
export async function chooseStart(platform: PlatformClient, options: StartOptions, now: number): Promise<number> {
  const before = options.late > 0 ? MAX_LATE_MS : 0;
  const spanOf = (start: number): Range => ({
    from: floorMinute(start - before),
    to: floorMinute(start + options.count - 1) + MINUTE_MS,
  });
  if (options.start !== undefined) {
    if ((await firstTaken(platform, spanOf(options.start))) === undefined) return options.start;
    throw taken('--start: there are tags in the minutes of this run already', options.start);
  }
  let start = floorMinute(now - options.count);
  while (now - start < SEARCH_BACK_MS + options.count) {
    const minute = await firstTaken(platform, spanOf(start));
    if (minute === undefined) return start;
    // The run may end where the tags in its way begin.
    start = floorMinute(minute - options.count);
  }
  throw taken('the last hours are full of tags', undefined);
}

function taken(reason: string, start: number | undefined): MillraceError {
  const value = start === undefined ? undefined : new Date(start).toISOString();
  const message = `${reason}, so that aggregates could not be checked. Choose another --start, or a new data directory`;
  return new MillraceError('INVALID_OPTION', message, { field: '--start', value });
}

/** The first minute of the range that holds a tag. */
async function firstTaken(platform: PlatformClient, { from, to }: Range): Promise<number | undefined> {
  for (let start = from; start < to; start += QUERY_MS) {
    const range = rangeText({ from: start, to: Math.min(start + QUERY_MS, to) });
    const answers = await Promise.all(ACTIONS.map((action) => countsOf(platform, range, action)));
    const index = answers[0]!.findIndex((_, minute) => answers.some((counts) => counts[minute] !== '0'));
    if (index >= 0) return start + index * MINUTE_MS;
  }
  return undefined;
}

async function countsOf(platform: PlatformClient, range: string, action: string): Promise<readonly string[]> {
  const query = new URLSearchParams({ time_range: range, action, aggregates: 'COUNT' });
  const { rows } = await platform.json<{ rows: string[][] }>('POST', `/aggregates?${query.toString()}`);
  return rows.map((row) => row.at(-1)!);
}

const floorMinute = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;
