import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@millrace/core';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { createPlatform } from '../../src/platform.ts';
import { OPTIONS, startFrontend, tagWith } from './support/frontend.ts';

const DAY_MS = 86_400_000;

/** Few values, so that tags meet in profiles, minutes and groups, and times tie. */
const anyTag = fc
  .record({
    ms: fc.integer({ min: 0, max: 1200 }).map((step) => step * 500),
    cookie: fc.constantFrom('alice', 'bob', 'żółw'),
    action: fc.constantFrom('VIEW', 'BUY'),
    device: fc.constantFrom('PC', 'TV', 'MOBILE'),
    origin: fc.constantFrom('', 'shop', 'blog'),
    country: fc.constantFrom('PL', 'DE'),
    product_info: fc.record({
      product_id: fc.constantFrom<string | number>(7, '7', -7, '"x', 'x', '007'),
      brand_id: fc.constantFrom('Nike', 'Puma', 'H&M ü'),
      category_id: fc.constantFrom('shoes', 'hats'),
      price: fc.constantFrom(0, 1, -1, 2_147_483_647, -2_147_483_648, 1999),
    }),
  })
  .map(({ ms, ...tag }) => tagWith({ ...tag, time: new Date(Date.parse('2022-03-22T12:00:00Z') + ms).toISOString() }));

const FILTERS = [
  'brand_id=Nike',
  'origin=',
  'category_id=hats',
  'country=DE',
  'device=TV',
  'product_id=7',
  'product_id=%22x',
];
const anyRange = fc
  .tuple(fc.nat({ max: 11 }), fc.nat({ max: 11 }))
  .map(([a, b]) => [a, b].map((minute) => `2022-03-22T12:${String(minute).padStart(2, '0')}:00`).join('_'));
const anyQuery = fc.oneof(
  fc
    .record({
      cookie: fc.constantFrom('alice', 'bob', 'żółw', 'nobody'),
      range: anyRange,
      limit: fc.constantFrom(0, 1, 7, 200),
    })
    .map(
      ({ cookie, range, limit }) => `/user_profiles/${encodeURIComponent(cookie)}?time_range=${range}&limit=${limit}`,
    ),
  fc
    .record({
      range: anyRange,
      action: fc.constantFrom('VIEW', 'BUY'),
      filters: fc.uniqueArray(fc.constantFrom(...FILTERS), { maxLength: 3 }),
      grouping: fc.constantFrom('', '&group_by=brand_id', '&group_by=country,product_id'),
    })
    .map(
      ({ range, action, filters, grouping }) =>
        `/aggregates?time_range=${range}&action=${action}&aggregates=COUNT&aggregates=SUM_PRICE${grouping}&${filters.join('&')}`,
    ),
);

/** The answer with its rows in one order: how a store orders the groups of a minute is its own contract's concern. */
const rowsOf = (answer: { rows?: string[][] }) => ({ ...answer, rows: answer.rows?.map(String).toSorted() });

it('answers the same from the embedded log and state as from plain arrays', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-frontend-'));
  const platform = createPlatform({
    ...OPTIONS,
    logUrl: `embedded:${directory}`,
    stateUrl: `embedded:${directory}`,
    partitions: 10,
    keep: 10_000,
    retentionMs: DAY_MS,
    logRetentionMs: DAY_MS,
    logMaxBytes: 1e9,
    group: 'test',
    drainMs: 1000,
    logger: createLogger({ level: 'silent', name: 'test' }),
  });
  onTestFinished(async () => {
    await platform.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const { url } = await platform.start();
  const naive = await startFrontend();

  const tags = fc.sample(anyTag, 1500);
  const body = tags.map((tag) => JSON.stringify(tag)).join('\n');
  const init = { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body };
  for (const base of [url, naive.url]) {
    const response = await fetch(`${base}/user_tags/batch`, init);
    expect(await response.json()).toMatchObject({ accepted: tags.length, rejectedCount: 0 });
  }
  await expect.poll(() => platform.status().applied).toBe(tags.length);

  for (const query of fc.sample(anyQuery, 300)) {
    const [embedded, plain] = await Promise.all([fetch(url + query), naive.request(query)]);
    expect(embedded.status, query).toBe(200);
    const [found, expected] = [await embedded.json(), await plain.json()] as { rows?: string[][] }[];
    if (query.includes('group_by')) expect(rowsOf(found!), query).toEqual(rowsOf(expected!));
    else expect(found, query).toEqual(expected);
  }
});
