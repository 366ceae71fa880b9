import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog } from '@millrace/core';
import { caughtUp, queryOf } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { encodeTag } from '../src/codec.ts';
import { createPlatform } from '../src/platform.ts';
import { platformOptions } from './support/options.ts';
import { someTag } from './support/tags.ts';

const START = Date.UTC(2022, 2, 22);
const MINUTE_MS = 60_000;
const MINUTES = 26 * 60;
const COOKIES = 40;

it('drops minutes older than a day of event time from aggregates, and keeps them in profiles', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-rollover-'));
  const log = await openEventLog(`embedded:${directory}`, { partitions: 10 });
  for (let minute = 0; minute < MINUTES; minute++) {
    // Enough cookies that every partition's clock moves.
    const tags = Array.from({ length: COOKIES }, (_, at) =>
      someTag({ time: START + minute * MINUTE_MS + at, cookie: `c-${at}-${minute % 10}` }),
    );
    await log.append(tags.map((tag) => encodeTag(tag)));
  }
  await log.close();
  const platform = createPlatform(platformOptions(directory));
  onTestFinished(async () => {
    await platform.stop();
    await rm(directory, { recursive: true });
  });
  const { url } = await platform.start();
  await caughtUp(url);
  const query = queryOf(url);

  // The clock stands in the last minute.
  const oldest = MINUTES - 1 - 24 * 60;
  const time = (minute: number): string => new Date(START + minute * MINUTE_MS).toISOString().slice(0, 19);
  const counts = async (from: number, to: number): Promise<string[]> => {
    const path = `/aggregates?time_range=${time(from)}_${time(to)}&action=VIEW&aggregates=COUNT`;
    return ((await query(path)) as { rows: string[][] }).rows.map((row) => row.at(-1)!);
  };
  expect(await counts(oldest - 3, oldest + 3)).toEqual(['0', '0', '0', '40', '40', '40']);
  expect(await counts(0, 60)).toEqual(Array.from({ length: 60 }, () => '0'));
  expect(await counts(MINUTES - 60, MINUTES)).toEqual(Array.from({ length: 60 }, () => '40'));

  const profile = (await query(`/user_profiles/c-0-0?time_range=${time(0)}_${time(MINUTES)}&limit=200`)) as {
    views: { time: string }[];
  };
  expect(profile.views).toHaveLength(MINUTES / 10);
  expect(profile.views.at(-1)?.time).toBe(new Date(START).toISOString());
});
