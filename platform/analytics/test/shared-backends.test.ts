import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  caughtUp,
  queryOf,
  sendTags,
  serverAvailable,
  startRedis,
  startRole,
  TagOracle,
  type RedisServer,
  type RoleProcess,
} from '@millrace/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPlatform, type Platform, type PlatformOptions } from '../src/platform.ts';
import { platformOptions } from './support/options.ts';

interface Status {
  readonly processorRunning: boolean;
  readonly lag: { readonly records: number };
  readonly partitions: readonly { readonly partition: number; readonly records: number }[];
  readonly applied: number;
}

const statusOf = async (url: string): Promise<Status> => (await queryOf(url)('/admin/status')) as Status;

/** Sends until so many more tags are `acknowledged`, or `sent` with or without an answer. */
async function send(
  url: string,
  oracle: TagOracle,
  tags: number,
  { until = 'sent', goOn = until === 'acknowledged' }: { until?: 'sent' | 'acknowledged'; goOn?: boolean } = {},
): Promise<readonly string[]> {
  const enough = new AbortController();
  const target = oracle[until] + tags;
  const counting = setInterval(() => {
    if (oracle[until] >= target) enough.abort();
  }, 5);
  const sending = sendTags({ url, oracle, connections: 4, batchConnections: 1, goOn, signal: enough.signal });
  const { failures } = await sending;
  clearInterval(counting);
  return failures;
}

const ready = async (url: string): Promise<number> => (await fetch(new URL('/ready', url))).status;

describe.skipIf(!serverAvailable('redis'))('the platform on shared backends', () => {
  let redis: RedisServer;
  let directory: string;
  const stops: (() => Promise<unknown>)[] = [];
  /** A log and a state of its own for each test. */
  let backends = 0;
  let logUrl: string;
  let stateUrl: string;

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
  });

  afterAll(() => redis?.stop());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-shared-'));
    const prefix = `test-${backends++}`;
    logUrl = `${redis.url}?prefix=${prefix}&lease=1s`;
    stateUrl = `${redis.url}?prefix=${prefix}`;
  });

  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
    await rm(directory, { recursive: true });
  });

  async function up(changes: Partial<PlatformOptions>): Promise<{ platform: Platform; url: string }> {
    const platform = createPlatform(platformOptions(directory, changes));
    stops.push(() => platform.stop());
    const { url } = await platform.start();
    return { platform, url };
  }

  async function role(name: 'frontend' | 'processor', ...more: string[]): Promise<RoleProcess> {
    const started = await startRole(name, ['--log', logUrl, '--state', stateUrl, ...more]);
    stops.push(() => started.stop());
    return started;
  }

  it.each([
    ['log in the directory, state on Redis, its processor in a child process', (): object => ({ stateUrl })],
    ['log on Redis, state in the directory, its processor in a thread', (): object => ({ logUrl })],
    ['both on Redis', (): object => ({ logUrl, stateUrl })],
  ])('counts every tag once over a crash and a restart: %s', async (_, changes) => {
    const oracle = new TagOracle();
    const first = await up(changes());
    expect(await send(first.url, oracle, 1000)).toEqual([]);
    await first.platform.processor?.crash();
    expect(await send(first.url, oracle, 1000)).toEqual([]);
    await caughtUp(first.url);
    expect(first.platform.processor?.restarts()).toBe(1);
    await first.platform.stop();
    const second = await up(changes());
    expect(await send(second.url, oracle, 100)).toEqual([]);
    await caughtUp(second.url);
    expect((await oracle.compare(queryOf(second.url))).mismatches).toEqual([]);
  });

  it('shares partitions between processors, which finish and leave on SIGTERM and take over after SIGKILL', async () => {
    const [processor, frontend] = await Promise.all([role('processor'), role('frontend')]);
    const [second, third] = await Promise.all([role('processor'), role('processor')]);
    const oracle = new TagOracle();
    const shares = async (): Promise<number[]> => {
      const statuses = await Promise.all([processor, second, third].map(({ url }) => statusOf(url)));
      return statuses.map(({ applied }) => applied);
    };
    // The first of them may have had all partitions for a while.
    do {
      expect(await send(frontend.url, oracle, 1000)).toEqual([]);
      await caughtUp(frontend.url);
    } while ((await shares()).includes(0));
    // A processor hears a little later than the state is asked that its commit is done.
    await expect
      .poll(async () => (await shares()).reduce((sum, applied) => sum + applied, 0))
      .toBe(oracle.acknowledged);

    const before = oracle.acknowledged;
    const sending = send(frontend.url, oracle, 6000);
    await expect.poll(() => oracle.acknowledged).toBeGreaterThan(before);
    await processor.kill();
    const { code } = await second.stop();
    expect(code).toBe(0);
    expect(await sending).toEqual([]);
    await caughtUp(frontend.url);
    await expect.poll(() => statusOf(third.url)).toMatchObject({ processorRunning: true, lag: { records: 0 } });
    expect((await oracle.compare(queryOf(frontend.url))).mismatches).toEqual([]);
  });

  it('begins with tags from before any processor, tells the lag of each partition until then', async () => {
    const frontend = await role('frontend');
    const oracle = new TagOracle();
    expect(await send(frontend.url, oracle, 500)).toEqual([]);
    const behind = await statusOf(frontend.url);
    expect(behind.lag.records).toBe(oracle.acknowledged);
    expect(behind.partitions).toHaveLength(10);
    expect(behind.partitions.reduce((sum, { records }) => sum + records, 0)).toBe(oracle.acknowledged);
    expect((await fetch(new URL('/ready', frontend.url))).status).toBe(200);
    await role('processor');
    await caughtUp(frontend.url);
    expect((await oracle.compare(queryOf(frontend.url))).mismatches).toEqual([]);
  });

  it('is unready while the log and the state are away, loses nothing and goes on by itself', async () => {
    const own = await startRedis({ appendOnly: true });
    stops.push(() => own.stop());
    logUrl = `${own.url}?lease=1s&append-timeout=1s`;
    stateUrl = own.url;
    const [processor, frontend] = await Promise.all([role('processor'), role('frontend')]);
    const oracle = new TagOracle();
    // A second is short on a busy machine: what was not acknowledged in time is in doubt, as during the outage.
    await send(frontend.url, oracle, 500, { until: 'acknowledged' });
    await own.kill();
    await send(frontend.url, oracle, 20, { goOn: true });
    await expect.poll(() => ready(frontend.url)).toBe(503);
    await expect.poll(() => ready(processor.url)).toBe(503);
    expect((await fetch(new URL('/health', processor.url))).status).toBe(200);
    await own.restart();
    await expect.poll(() => ready(frontend.url)).toBe(200);
    await expect.poll(() => ready(processor.url)).toBe(200);
    await send(frontend.url, oracle, 500, { until: 'acknowledged' });
    await caughtUp(frontend.url);
    expect((await oracle.compare(queryOf(frontend.url))).mismatches).toEqual([]);
  });

  it('waits for backends that are not there yet, and stops while it waits', async () => {
    const away = 'redis://127.0.0.1:1';
    const processor = await role('processor', '--log', away);
    const answer = await fetch(new URL('/ready', processor.url));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reasons: ['the processor waits for its log and its state'] });
    expect(await processor.stop()).toMatchObject({ code: 0 });
  });
});
