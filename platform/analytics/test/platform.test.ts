import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog, type DeadLetter, type NewRecord } from '@millrace/core';
import { caughtUp, queryOf, sendTags, TagOracle } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRetry, encodeTag } from '../src/codec.ts';
import { createPlatform, type Platform, type PlatformOptions } from '../src/platform.ts';
import { platformOptions } from './support/options.ts';
import { someTag } from './support/tags.ts';

let directory: string;
const platforms: Platform[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-platform-'));
});

afterEach(async () => {
  for (const platform of platforms.splice(0)) await platform.stop();
  await rm(directory, { recursive: true });
});

async function start(changes: Partial<PlatformOptions> = {}): Promise<{ platform: Platform; url: string }> {
  const platform = createPlatform(platformOptions(directory, changes));
  platforms.push(platform);
  const { url } = await platform.start();
  return { platform, url };
}

/** Sends at least so many tags over a few connections; all must be acknowledged. */
async function send(url: string, oracle: TagOracle, tags: number): Promise<void> {
  const enough = new AbortController();
  const target = oracle.sent + tags;
  const counting = setInterval(() => {
    if (oracle.sent >= target) enough.abort();
  }, 5);
  const sending = await sendTags({ url, oracle, connections: 4, batchConnections: 1, signal: enough.signal });
  clearInterval(counting);
  expect(sending.failures).toEqual([]);
}

const post = (url: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(path, url), {
    method: 'POST',
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }),
  });

const jsonTag = (time: string, cookie: string): object => ({
  time,
  cookie,
  country: 'PL',
  device: 'PC',
  action: 'BUY',
  origin: 'shop',
  product_info: { product_id: 'p', brand_id: 'Nike', category_id: 'shoes', price: 1000 },
});

const letterOf = ({ key, value }: NewRecord): DeadLetter => ({
  id: '',
  partition: 0,
  offset: 0,
  appendedAt: 0,
  code: 'RECORD_UNREADABLE',
  reason: '',
  key,
  value,
});

describe('the platform', () => {
  it('counts every tag exactly once, before and after a restart', async () => {
    const oracle = new TagOracle();
    const first = await start();
    await send(first.url, oracle, 2000);
    await caughtUp(first.url);
    expect(await oracle.compare(queryOf(first.url))).toMatchObject({ acknowledged: oracle.sent, mismatches: [] });
    expect(first.platform.status()).toMatchObject({
      state: 'running',
      logWritable: true,
      lag: { records: 0, ms: 0 },
      accepted: oracle.sent,
      applied: oracle.sent,
    });
    await first.platform.stop();
    expect(first.platform.status().state).toBe('stopped');
    const second = await start();
    await send(second.url, oracle, 500);
    await caughtUp(second.url);
    expect((await oracle.compare(queryOf(second.url))).mismatches).toEqual([]);
  });

  it('stays exact when the processor dies in the middle, and starts it again', async () => {
    const oracle = new TagOracle();
    const { platform, url } = await start();
    for (let crash = 1; crash <= 3; crash++) {
      await Promise.all([send(url, oracle, 3000), platform.processor?.crash()]);
      await expect.poll(() => platform.processor?.restarts()).toBe(crash);
    }
    await caughtUp(url);
    const metrics = await (await fetch(new URL('/metrics', url))).text();
    expect(metrics).toContain('millrace_processor_restarts_total 3');
    expect(metrics).toContain('millrace_log_forced_removals_total 0');
    const verdict = await oracle.compare(queryOf(url));
    expect(verdict).toMatchObject({ acknowledged: oracle.sent, mismatches: [] });
  });

  it('acknowledges while the processor is stopped, says how far it is behind, and catches up', async () => {
    const oracle = new TagOracle();
    const { platform, url } = await start({ maxLagMs: 100 });
    platform.processor?.pause();
    await send(url, oracle, 3000);
    expect(platform.status().lag.records).toBe(oracle.acknowledged);
    expect(platform.status()).toMatchObject({ accepted: oracle.acknowledged, applied: 0 });
    await expect.poll(async () => (await fetch(new URL('/ready', url))).status).toBe(503);
    platform.processor?.resume();
    await caughtUp(url);
    expect((await oracle.compare(queryOf(url))).mismatches).toEqual([]);
    await expect.poll(async () => (await fetch(new URL('/ready', url))).status).toBe(200);
  });

  it('applies what is durable before it stops, also when the processor was paused', async () => {
    const oracle = new TagOracle();
    const { platform, url } = await start({ drainMs: 100_000 });
    platform.processor?.pause();
    await send(url, oracle, 1000);
    await platform.stop();
    expect(platform.status()).toMatchObject({ applied: oracle.acknowledged });
  });

  it('refuses a data directory that another one owns, before it listens', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    const second = createPlatform(platformOptions(directory, { port: 0 }));
    await expect(second.start()).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
    await second.stop();
    expect(port).toBeGreaterThan(0);
    expect((await fetch(new URL('/ready', url))).status).toBe(200);
  });

  it('puts poison into the dead letters, where it stays over retries that fail again', async () => {
    const log = await openEventLog(`embedded:${directory}`, { partitions: 10 });
    const good = encodeTag(someTag({ cookie: 'alice', action: 'BUY' }));
    await log.append([
      { key: 'mallory', value: Buffer.from('not a tag') },
      // Readable but for its missing key.
      { partition: 3, value: good.value },
      good,
    ]);
    await log.close();
    const { platform, url } = await start();
    const query = queryOf(url);
    await caughtUp(url);
    const letters = (): Promise<unknown> => query('/admin/dead-letters');
    expect(await letters()).toMatchObject({
      deadLetters: expect.arrayContaining([
        expect.objectContaining({ code: 'RECORD_UNREADABLE', key: 'mallory' }),
        expect.objectContaining({ code: 'RECORD_UNREADABLE', key: null }),
      ]) as unknown,
    });
    expect(await query('/user_profiles/alice?time_range=2022-01-01T00:00:00_2023-01-01T00:00:00')).toMatchObject({
      buys: [expect.objectContaining({ cookie: 'alice' })],
    });
    const { deadLetters } = (await letters()) as { deadLetters: { id: string }[] };
    for (const { id } of deadLetters) expect((await post(url, `/admin/dead-letters/${id}/retry`)).status).toBe(202);
    await caughtUp(url);
    // Still unreadable: they stay under their names, and are not doubled.
    expect(await letters()).toMatchObject({ deadLetters: deadLetters.map(({ id }) => ({ id })) });
    expect(platform.status()).toMatchObject({ applied: 1 });
  });

  it('counts a dead letter that can be read after all once, however often it is retried', async () => {
    const url = `embedded:${directory}`;
    const append = async (...records: NewRecord[]): Promise<void> => {
      const log = await openEventLog(url, { partitions: 10 });
      await log.append(records);
      await log.close();
    };
    await append({ key: 'alice', value: Buffer.from('not a tag') });
    const first = await start();
    await caughtUp(first.url);
    const { deadLetters } = (await queryOf(first.url)('/admin/dead-letters')) as { deadLetters: { id: string }[] };
    expect(deadLetters).toHaveLength(1);
    await first.platform.stop();
    // As a release that reads such records would see it.
    const retry = encodeRetry(deadLetters[0]?.id ?? '', letterOf(encodeTag(someTag({ cookie: 'alice' }))));
    await append(retry, retry);
    const second = await start();
    await caughtUp(second.url);
    expect(await queryOf(second.url)('/admin/dead-letters')).toMatchObject({ deadLetters: [] });
    expect(second.platform.status()).toMatchObject({ applied: 1, duplicates: 1 });
    const profile = await queryOf(second.url)(
      '/user_profiles/alice?time_range=2022-01-01T00:00:00_2023-01-01T00:00:00',
    );
    expect(profile).toMatchObject({ views: [{ cookie: 'alice' }] });
  });

  it('keeps tags of any year, and refuses those from too far ahead', async () => {
    const { platform, url } = await start();
    const near = new Date(Date.now() + 23 * 3_600_000).toISOString();
    const far = new Date(Date.now() + 25 * 3_600_000).toISOString();
    for (const time of ['1970-01-01T00:00:00.000Z', '1999-12-31T23:59:59.999Z', near]) {
      expect((await post(url, '/user_tags', jsonTag(time, 'alice'))).status).toBe(204);
    }
    expect((await post(url, '/user_tags', jsonTag(far, 'alice'))).status).toBe(400);
    await caughtUp(url);
    const { buys } = (await queryOf(url)(
      '/user_profiles/alice?time_range=1970-01-01T00:00:00_2200-01-01T00:00:00',
    )) as {
      buys: { time: string }[];
    };
    expect(buys.map(({ time }) => time)).toEqual([near, '1999-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z']);
    expect(platform.status().applied).toBe(3);
  });

  it('counts a tag once however often it is sent with one Idempotency-Key, also over a crash', async () => {
    const { platform, url } = await start();
    const sendOnce = async (): Promise<void> => {
      const tag = jsonTag('2022-03-22T12:15:00.000Z', 'alice');
      expect((await post(url, '/user_tags', tag, { 'idempotency-key': 'order-1' })).status).toBe(204);
    };
    await Promise.all([sendOnce(), sendOnce()]);
    await caughtUp(url);
    await platform.processor?.crash();
    await sendOnce();
    await expect.poll(() => platform.status().duplicates).toBe(2);
    expect(
      await queryOf(url)(
        '/aggregates?time_range=2022-03-22T12:15:00_2022-03-22T12:16:00&action=BUY&aggregates=COUNT&aggregates=SUM_PRICE',
      ),
    ).toMatchObject({ rows: [['2022-03-22T12:15:00', 'BUY', '1', '1000']] });
  });

  it('takes no Idempotency-Key for that of a line of a batch, whichever comes first', async () => {
    const { platform, url } = await start();
    const send = async (path: string, key: string, type: string): Promise<void> => {
      const tag = jsonTag('2022-03-22T12:15:00.000Z', 'alice');
      const headers = { 'idempotency-key': key, 'content-type': type };
      expect((await post(url, path, tag, headers)).ok).toBe(true);
    };
    const single = (key: string) => send('/user_tags', key, 'application/json');
    const batch = (key: string) => send('/user_tags/batch', key, 'application/x-ndjson');
    const SEPARATORS = [':', '-', '/', '.', '_', ''];
    for (const [at, separator] of SEPARATORS.entries()) {
      await batch(`first-${at}-`);
      await single(`first-${at}-${separator}1`);
      await single(`second-${at}-${separator}1`);
      await batch(`second-${at}-`);
    }
    await caughtUp(url);
    expect(platform.status()).toMatchObject({ applied: 4 * SEPARATORS.length, duplicates: 0 });
  });

  it('does not start with settings that do not fit the data', async () => {
    const { platform } = await start();
    await platform.stop();
    const other = createPlatform(platformOptions(directory, { partitions: 3 }));
    await expect(other.start()).rejects.toMatchObject({ code: 'PARTITIONS_MISMATCH' });
    expect(other.status().state).toBe('failed');
    await other.stop();
  });
});
