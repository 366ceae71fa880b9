import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis, startTcpProxy } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { consumeInto, newState, openLog, PARTITIONS, type RunningConsumer } from './fixtures.ts';

const gap = (): MillraceError => new MillraceError('COMMIT_GAP', 'not where the last one ended');
const shares = (consumers: readonly RunningConsumer[]): number[] => consumers.map(({ partitions }) => partitions.size);

describe.skipIf(!serverAvailable('redis'))('the consumers of a group', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ appendOnly: true });
  });
  afterAll(() => server.stop());

  it('share the partitions, and take over from those that leave', async () => {
    const log = await openLog(server.url, { prefix: 'share' });
    const state = newState();
    const owners = async (): Promise<number[]> => {
      const leases = await Promise.all(
        Array.from({ length: PARTITIONS }, (_, p) => redisCommand(server, 'GET', `share:{p${p}}:lease:group`)),
      );
      const counts = new Map<unknown, number>();
      for (const owner of leases) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
      return [...counts.values()].toSorted((a, b) => a - b);
    };
    const first = consumeInto(log, 'group', state, gap);
    await expect.poll(() => shares([first])).toEqual([PARTITIONS]);
    const second = consumeInto(log, 'group', state, gap);
    await expect.poll(owners).toEqual([3, 3]);
    const third = consumeInto(log, 'group', state, gap);
    await expect.poll(owners).toEqual([2, 2, 2]);
    await first.stop();
    await expect.poll(owners).toEqual([3, 3]);
    await second.stop();
    await expect.poll(owners).toEqual([PARTITIONS]);
    await third.stop();
    expect(await owners()).toEqual([]);
    await log.close();
  });

  it('lose and double nothing while they join and leave', async () => {
    // No lease runs out because a busy machine stands still: partitions move only when they are handed over.
    const place = { prefix: 'moving', query: '&lease=12s' };
    const logs = await Promise.all(Array.from({ length: 3 }, () => openLog(server.url, place)));
    const state = newState();
    const sent: string[] = [];
    const sending = new AbortController();
    const sender = (async () => {
      for (let i = 0; !sending.signal.aborted; i++) {
        await logs[0]!.append([{ key: `${i}`, value: Buffer.from(`${i}`) }]);
        sent.push(`${i}`);
      }
    })();
    const join = (log: number): RunningConsumer => consumeInto(logs[log]!, 'group', state, gap, () => sleep(5));
    const steady = join(0);
    for (let round = 0; round < 3; round++) {
      const joined: RunningConsumer[] = [];
      for (const log of [1, 2]) {
        const consumer = join(log);
        await expect.poll(() => consumer.partitions.size).toBeGreaterThan(0);
        joined.push(consumer);
      }
      await Promise.all(joined.map((consumer) => consumer.stop()));
    }
    sending.abort();
    await sender;
    await expect.poll(() => state.values.length).toBeGreaterThanOrEqual(sent.length);
    await steady.stop();
    await Promise.all(logs.map((log) => log.close()));
    expect(state.values.toSorted()).toEqual(sent.toSorted());
    // Leases moved only after the batches under way had been handled.
    expect(state.rejected).toBe(0);
  });

  it('take over from one that is cut off, whose late batch the state refuses', async () => {
    const proxy = await startTcpProxy({ target: server });
    const query = '&lease=2s';
    const cutOff = await openLog(`redis://127.0.0.1:${proxy.port}`, { prefix: 'zombie', query });
    const log = await openLog(server.url, { prefix: 'zombie', query });
    const state = newState();
    const handling = Promise.withResolvers<void>();
    const stuck = Promise.withResolvers<void>();
    const zombie = consumeInto(cutOff, 'group', state, gap, async (_, revoked) => {
      handling.resolve();
      // Goes on once it has been told that others have its partitions.
      if (!revoked.aborted) revoked.addEventListener('abort', () => stuck.resolve());
      await stuck.promise;
    });
    const sent = Array.from({ length: 60 }, (_, i) => `${i}`);
    await log.append(sent.map((value) => ({ key: value, value: Buffer.from(value) })));
    await handling.promise;
    proxy.blackHole(true);
    const heir = consumeInto(log, 'group', state, gap);
    await expect.poll(() => state.values.length).toBe(60);
    proxy.cut();
    proxy.blackHole(false);
    await stuck.promise;
    await expect.poll(() => state.rejected).toBeGreaterThan(0);
    await log.append([{ partition: 0, value: Buffer.from('more') }]);
    await expect.poll(() => state.values.length).toBe(61);
    await Promise.all([zombie.stop(), heir.stop()]);
    expect(state.values.toSorted()).toEqual([...sent, 'more'].toSorted());
    await Promise.all([cutOff.close(), log.close()]);
    await proxy.stop();
  });

  it('see a record soon, and cost little while there is none', async () => {
    const log = await openLog(server.url, { prefix: 'fresh' });
    const state = newState();
    const consumer = consumeInto(log, 'group', state, gap);
    await expect.poll(() => shares([consumer])).toEqual([PARTITIONS]);
    const calls = async (): Promise<number> =>
      Number(/^total_commands_processed:(\d+)/m.exec(String(await redisCommand(server, 'INFO', 'stats')))?.[1]);
    const startedAt = performance.now();
    const before = await calls();
    await sleep(1000);
    const during = (await calls()) - before;
    expect(during).toBeLessThan(((performance.now() - startedAt) / 1000) * 100);
    await log.append([{ value: Buffer.from('x') }]);
    await expect.poll(() => state.values).toEqual(['x']);
    await consumer.stop();
    await log.close();
  });
});
