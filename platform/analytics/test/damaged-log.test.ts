import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog } from '@millrace/core';
import { caughtUp, queryOf } from '@millrace/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeTag } from '../src/codec.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { platformOptions } from './support/options.ts';
import { someTag } from './support/tags.ts';

/** So large that each is a frame of its own, and a few thousand fill a segment. */
const BRAND = 'x'.repeat(60_000);
const TAGS = 1400;

let directory: string;
let platform: Platform | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-damaged-log-'));
});

afterEach(async () => {
  await platform?.stop();
  await rm(directory, { recursive: true });
});

async function flipInTheMiddle(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const middle = Math.floor((await stat(path)).size / 2);
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, middle);
    await file.write(
      buffer.map((byte) => byte ^ 0xff),
      0,
      8,
      middle,
    );
  } finally {
    await file.close();
  }
}

interface Letter {
  readonly id: string;
  readonly code: string;
  readonly reason: string;
}

it('processes all but the damaged records of a sealed and of the last segment, and says where they were', async () => {
  const log = await openEventLog(`embedded:${directory}`, { partitions: 10 });
  for (let first = 0; first < TAGS; first += 50) {
    const numbers = Array.from({ length: 50 }, (_, at) => first + at);
    await log.append(numbers.map((number) => encodeTag(someTag({ cookie: `c-${number}`, brandId: BRAND }))));
  }
  await log.close();
  const segments = (await readdir(join(directory, 'log'))).filter((name) => name.endsWith('.log')).toSorted();
  expect(segments).toHaveLength(2);
  for (const segment of segments) await flipInTheMiddle(join(directory, 'log', segment));

  platform = createPlatform(platformOptions(directory));
  const { url } = await platform.start();
  await caughtUp(url);
  const query = queryOf(url);
  const range = 'time_range=2022-03-22T12:15:00_2022-03-22T12:16:00&action=VIEW';
  const { rows } = (await query(`/aggregates?${range}&aggregates=COUNT`)) as { rows: string[][] };
  expect(rows[0]?.at(-1)).toBe(String(TAGS - 2));
  const { deadLetters } = (await query('/admin/dead-letters')) as { deadLetters: Letter[] };
  expect(deadLetters).toHaveLength(2);
  deadLetters.forEach(({ code, reason }, at) => {
    expect(code).toBe('LOG_CORRUPT');
    expect(reason).toContain(segments[at]);
  });
  const metrics = async (): Promise<string> => (await fetch(new URL('/metrics', url))).text();
  // Read from the state once a second.
  await expect.poll(metrics).toMatch(/^millrace_dead_letters 2$/m);
  // The place is behind it: a restart neither stops there nor reports it again.
  await platform.stop();
  platform = createPlatform(platformOptions(directory));
  const again = await platform.start();
  await caughtUp(again.url);
  expect(((await queryOf(again.url)('/admin/dead-letters')) as { deadLetters: Letter[] }).deadLetters).toHaveLength(2);
});
