import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, type PartitionChange } from '@millrace/core';
import {
  serverAvailable,
  startRedis,
  startTcpProxy,
  STATE_MINUTE,
  STATE_SCHEMA,
  STATE_START,
  stateEvent,
} from '@millrace/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openRedisKeyValueStore } from '../../src/key-value-store.ts';
import { openBoth, prefixed } from './fixture.ts';

const PARTITIONS = 4;
const BATCH = 10;

const change = (partition: number, from: number): PartitionChange => ({
  partition,
  from,
  to: from + BATCH,
  deadLetters: [],
  events: Array.from({ length: BATCH }, (_, at) =>
    stateEvent(from + at, { key: `${partition}/${at}`, time: STATE_START + from, measures: [1, from + at] }),
  ),
});

async function startFaulty() {
  const server = await startRedis({ appendOnly: true });
  onTestFinished(() => server.stop());
  const proxy = await startTcpProxy({ target: server });
  onTestFinished(() => proxy.stop());
  /** 20 cuts at random moments, with some progress before each, and two restarts of the server. */
  const disturb = async (progress: () => number, between: number): Promise<void> => {
    let cut = 0;
    for (let i = 0; i < 20; i++) {
      const before = progress();
      await sleep(30 + 70 * Math.random());
      // A busy machine may need longer than that for a new connection.
      await expect.poll(progress, { interval: 5 }).toBeGreaterThan(before + between);
      cut += proxy.cut();
      if (i !== 7 && i !== 14) continue;
      await server.kill(i === 7 ? 'SIGKILL' : 'SIGTERM');
      await server.restart();
    }
    expect(cut).toBeGreaterThanOrEqual(20);
  };
  return { url: `redis://127.0.0.1:${proxy.port}`, disturb };
}

describe.skipIf(!serverAvailable('redis'))('on a Redis that fails', () => {
  it('the state applies every event once, and readers never see less than before', async () => {
    const { url, disturb } = await startFaulty();
    const options = { schema: STATE_SCHEMA, partitions: PARTITIONS, keep: 10_000, retentionMs: 24 * 3_600_000 };
    const store = await openBoth(`${prefixed(url)}&retry-timeout=1m`, options);
    onTestFinished(() => store.close());
    const { writer, reader } = store;
    const done = new AbortController();
    const next = Array.from({ length: PARTITIONS }, () => 0);
    const writing = (async () => {
      // The last one goes through: of one that is in doubt nobody knows whether it did.
      for (let isDone = false; !isDone;) {
        const changes = next.map((from, partition) => change(partition, from));
        try {
          await writer.commit(changes);
          changes.forEach(({ partition, to }) => (next[partition] = to));
          isDone = done.signal.aborted;
        } catch (error) {
          // As a processor does: what is in doubt is sent again.
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
        }
      }
    })();
    const query = { from: STATE_START, to: STATE_START + 60 * STATE_MINUTE, where: {}, groupBy: [], limit: 10 };
    const count = async () => (await reader.rollup(query)).rows.reduce((sum, row) => sum + row.count, 0);
    const reading = (async () => {
      for (let before = 0; !done.signal.aborted;) {
        const now = await count();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
        await sleep(5);
      }
    })();
    const sum = (): number => next.reduce((total, offset) => total + offset, 0);
    // Two commits over all partitions.
    await disturb(sum, BATCH * PARTITIONS);
    done.abort();
    await Promise.all([writing, reading]);
    const applied = sum();
    expect(await count()).toBe(applied);
    const { rows } = await reader.rollup(query);
    const offsets = next.reduce((sum, offset) => sum + (offset * (offset - 1)) / 2, 0);
    expect(rows.reduce((sum, { sums }) => sum + sums[1]!, 0n)).toBe(BigInt(offsets));
    for (const [partition, offset] of next.entries()) {
      expect(await reader.committed(partition)).toBe(offset);
      const entries = await reader.timeline(`${partition}/3`, { kind: 0, from: 0, to: Infinity, limit: 100_000 });
      const expected = Array.from({ length: offset / BATCH }, (_, batch) => batch * BATCH + 3);
      expect(entries.map(({ measures }) => measures[1])).toEqual(expected.toReversed());
    }
  });

  it('counters are added to once, and writes that rejected may have been done', async () => {
    const { url, disturb } = await startFaulty();
    const store = await openRedisKeyValueStore(`${prefixed(url)}&retry-timeout=1m`);
    onTestFinished(() => store.close());
    const done = new AbortController();
    let added = 0;
    let inDoubt = 0;
    let won = 0;
    const adding = Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        try {
          await store.increment('sum', 1n);
          added++;
        } catch (error) {
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
          inDoubt++;
        }
      }
    });
    const racing = Array.from({ length: 2 }, async () => {
      while (!done.signal.aborted) {
        const [found] = await store.getMany(['race']);
        const value = Buffer.from(String(Number(found?.value ?? 0) + 1));
        if ((await store.set('race', value, { if: found?.version ?? 'absent' })) !== undefined) won++;
      }
    });
    await disturb(() => added, 5);
    done.abort();
    await Promise.all([...adding, ...racing]);
    const [sum, race] = await store.getMany(['sum', 'race']);
    const total = Number(sum!.value);
    expect(total).toBeGreaterThanOrEqual(added);
    expect(total).toBeLessThanOrEqual(added + inDoubt);
    // A set that was cut off and sent again, when another had written in between, is told as lost.
    expect(Number(race!.value)).toBeGreaterThanOrEqual(won);
    expect(Number(race!.value)).toBeLessThanOrEqual(won + 40);
  });
});
