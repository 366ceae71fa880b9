import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openRedisLogReader } from '../../src/event-log/event-log.ts';
import { parseRedisUrl, plainRedisOptions } from '../../src/address.ts';
import { LogKeys } from '../../src/event-log/keys.ts';
import { boundsOf } from '../../src/event-log/place.ts';
import { Retention } from '../../src/event-log/retention.ts';
import { Link } from '../../src/link.ts';
import { openLog } from './fixtures.ts';

const TRIM_SOON = '&trim-interval=100ms';

describe.skipIf(!serverAvailable('redis'))('what a log on Redis keeps', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ appendOnly: true });
  });
  afterAll(() => server.stop());

  /** What Redis itself says, in bytes, as the log asks it. */
  async function memoryOf(prefix: string, partitions: readonly number[]): Promise<number> {
    const sizes = await Promise.all(
      partitions.map((partition) =>
        redisCommand(server, 'MEMORY', 'USAGE', `${prefix}:{p${partition}}:log`, 'SAMPLES', '20'),
      ),
    );
    return sizes.reduce((sum: number, size) => sum + Number(size), 0);
  }

  it('is what any group still needs, and what is young', async () => {
    const log = await openLog(server.url, { retentionMs: 300, query: TRIM_SOON });
    const append = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await log.append([{ partition: 0, value: Buffer.from(`${i}`) }]);
    };
    await append();
    // Nobody has read it: nothing may go.
    await sleep(800);
    expect(await log.bounds(0)).toEqual({ earliest: 0, next: 10 });
    await log.release('two', 0, 5);
    await log.release('one', 0, 8);
    await expect.poll(() => log.bounds(0)).toEqual({ earliest: 5, next: 10 });
    await log.release('two', 0, 3);
    await log.release('two', 0, 10);
    await expect.poll(() => log.bounds(0)).toEqual({ earliest: 8, next: 10 });
    await log.release('one', 0, 10);
    await expect.poll(() => log.bounds(0)).toEqual({ earliest: 10, next: 10 });
    await expect(log.read(0, 9, 100)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await append();
    expect((await log.read(0, 10, 1000)).records).toHaveLength(10);
    await log.close();
  });

  it('is released, but not old enough', async () => {
    const log = await openLog(server.url, { retentionMs: 3_600_000, query: TRIM_SOON });
    await log.append([{ partition: 0, value: Buffer.from('x') }]);
    await log.release('one', 0, 1);
    await sleep(500);
    expect(await log.bounds(0)).toEqual({ earliest: 0, next: 1 });
    await log.close();
  });

  it('is no more than its limit, and a consumer is told what it has lost', async () => {
    const { lines, logger } = newLines();
    const log = await openLog(server.url, { prefix: 'limited', maxBytes: 100_000, logger, query: TRIM_SOON });
    for (let i = 0; i < 40; i++) await log.append([{ partition: 0, value: Buffer.alloc(10_000, i) }]);
    await expect.poll(() => memoryOf('limited', [0])).toBeLessThan(100_000);
    // From here on nothing is removed any more; the log has yet to read what it has done last.
    const { earliest } = await log.bounds(0);
    expect(earliest).toBeGreaterThan(0);
    await expect.poll(() => log.statistics?.().forcedRemovals).toBe(earliest);
    await expect.poll(() => log.statistics?.().bytes).toBeLessThan(100_000);
    expect(lines.filter((line) => line.includes('larger than its limit')).length).toBeGreaterThan(0);
    const stop = new AbortController();
    const lost: unknown[] = [];
    await log.consume('late', {
      start: async () => 0,
      handle: async (batches) => {
        lost.push(
          ...batches.flatMap(({ partition, damage = [] }) => damage.map(({ from, to }) => [partition, from, to])),
        );
        if (batches.some(({ to }) => to === 40)) stop.abort();
      },
      signal: stop.signal,
    });
    expect(lost).toEqual([[0, 0, earliest]]);
    await log.close();
  });

  it('is what a group finds that joins while the log is trimmed', async () => {
    const prefix = 'joining';
    const log = await openLog(server.url, { prefix, partitions: 1 });
    const { address } = parseRedisUrl(server.url, plainRedisOptions);
    const link = new Link(address);
    const keys = new LogKeys(prefix);
    const bounds = { retentionMs: 1, maxBytes: Infinity, intervalMs: 3_600_000 };
    const retention = new Retention({ link, keys, partitions: 1, logger: undefined, ...bounds });
    let next = 0;
    let trimmed = 0;
    const end = new AbortController();
    const trimming = (async () => {
      while (!end.signal.aborted) {
        [next] = [next + 1, await log.append([{ partition: 0, value: Buffer.from('x') }])];
        await log.release('old', 0, next);
        await retention.run();
      }
    })();
    // As a consumer joins.
    for (let group = 0; group < 500 || trimmed <= 50; group++) {
      const released = keys.released(0);
      const earliest = await link.run(async (client) => {
        await client.hsetnx(released, `${group}`, 0);
        return boundsOf(client, keys, 0);
      });
      const after = await log.bounds(0);
      expect(after.earliest).toBe(earliest.earliest);
      trimmed = after.earliest;
      await link.run((client) => client.hdel(released, `${group}`));
    }
    end.abort();
    await trimming;
    await Promise.all([log.close(), retention.close()]);
    await link.close();
  });

  it('is counted once when it is removed by force, by whichever process did it', async () => {
    const options = { prefix: 'forced', maxBytes: 50_000, query: TRIM_SOON };
    const logs = await Promise.all(Array.from({ length: 3 }, () => openLog(server.url, options)));
    for (let i = 0; i < 60; i++) await logs[i % 3]!.append([{ partition: i % 2, value: Buffer.alloc(10_000, i) }]);
    await expect.poll(() => memoryOf('forced', [0, 1])).toBeLessThan(50_000);
    // Whoever is still removing ends with it, and has counted it then.
    await Promise.all(logs.map((log) => log.close()));
    const counted = logs.reduce((sum, log) => sum + log.statistics!().forcedRemovals, 0);
    const reader = await openRedisLogReader(`${server.url}?prefix=forced`);
    const bounds = await Promise.all([reader.bounds(0), reader.bounds(1)]);
    expect(counted).toBe(bounds.reduce((sum, { earliest }) => sum + earliest, 0));
    expect(counted).toBeGreaterThan(0);
    await reader.close();
  });

  it('is not safe on a server that forgets: says so, or refuses', async () => {
    const forgetful = await startRedis();
    const { lines, logger } = newLines();
    await (await openLog(forgetful.url, { logger })).close();
    expect(lines.join('')).toContain('appendonly is no instead of yes');
    await expect(openLog(forgetful.url, { query: '&durable=require' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'durable' },
    });
    await redisCommand(forgetful, 'CONFIG', 'SET', 'appendonly', 'yes');
    await (await openLog(forgetful.url, { query: '&durable=require' })).close();
    await redisCommand(forgetful, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(openLog(forgetful.url, { query: '&durable=require' })).rejects.toThrow(
      'maxmemory-policy is allkeys-lru instead of noeviction',
    );
    // It would first finish rewriting its file.
    await forgetful.kill();
    await forgetful.stop();
  });

  it('has the partitions that it was made with', async () => {
    const missing = openRedisLogReader(`${server.url}?prefix=settings`);
    await expect(missing).rejects.toMatchObject({ code: 'NOT_RUNNING', retry: true });
    await (await openLog(server.url, { prefix: 'settings' })).close();
    await expect(openLog(server.url, { prefix: 'settings', partitions: 7 })).rejects.toMatchObject({
      code: 'PARTITIONS_MISMATCH',
      details: { value: 7, accepted: '6' },
    });
    const reader = await openRedisLogReader(`${server.url}?prefix=settings`);
    expect(reader.partitions).toBe(6);
    await reader.close();
  });
});

function newLines(): { readonly lines: string[]; readonly logger: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { lines, logger: createLogger({ level: 'info', name: 'test', destination }) };
}
