import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, MillraceError } from '@millrace/core';
import {
  redisCommand,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '@millrace/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

import { consumeInto, newState, openLog } from './fixtures.ts';

const gap = (): MillraceError => new MillraceError('COMMIT_GAP', 'not where the last one ended');

/** An append outlasts whatever time a busy machine needs for a restart or a failover. */
const PATIENT = '&append-timeout=2m';

/** Appends one record after the other until it is stopped; what was confirmed goes into `sent`. */
async function sendUntil(log: EventLog, sent: string[], stopped: AbortSignal): Promise<void> {
  const senders = Array.from({ length: 4 }, async (_, s) => {
    for (let i = 0; !stopped.aborted; i++) {
      const value = `${s}/${i}`;
      await log.append([{ key: value, value: Buffer.from(value) }]);
      sent.push(value);
    }
  });
  await Promise.all(senders);
}

/** How far a server's copy of all writes goes. */
const offsetOf = async (server: RedisServer): Promise<number> =>
  Number(/master_repl_offset:(\d+)/.exec(String(await redisCommand(server, 'INFO', 'replication')))?.[1]);

describe.skipIf(!serverAvailable('redis'))('the log on several servers', () => {
  it('loses and doubles nothing when a node of a Cluster is killed and comes back', async () => {
    const cluster = await startRedisCluster({ appendOnly: true, nodeTimeoutMs: 500 });
    onTestFinished(() => cluster.stop());
    const log = await openLog(`${cluster.nodes[0]!.url}?cluster=true`, { query: PATIENT });
    const state = newState();
    const consumer = consumeInto(log, 'group', state, gap);
    const stop = new AbortController();
    const sent: string[] = [];
    const sending = sendUntil(log, sent, stop.signal);
    const moreSent = async (): Promise<void> => {
      const before = sent.length;
      await expect.poll(() => sent.length).toBeGreaterThan(before + 40);
    };
    await moreSent();
    for (const node of [cluster.nodes[1]!, cluster.nodes[0]!]) {
      await node.kill();
      await sleep(200);
      await node.restart();
      await cluster.ready();
      await moreSent();
    }
    stop.abort();
    await sending;
    await expect.poll(() => state.values.length).toBeGreaterThanOrEqual(sent.length);
    await consumer.stop();
    await log.close();
    expect(state.values.toSorted()).toEqual(sent.toSorted());
  });

  it('goes on with the master that the Sentinels choose', async () => {
    const watched = await startSentinel({ appendOnly: true });
    onTestFinished(() => watched.stop());
    const url = `redis://127.0.0.1:${watched.sentinels[0]!.port}?sentinel=${watched.name}`;
    const log = await openLog(url, { query: PATIENT });
    await log.append([{ partition: 0, value: Buffer.from('before') }]);
    // Replicas are written later: only what has arrived there outlives the master.
    const written = await offsetOf(watched.master);
    await expect.poll(() => offsetOf(watched.replica)).toBeGreaterThanOrEqual(written);
    await watched.killMaster();
    await log.append([{ partition: 0, value: Buffer.from('after') }]);
    // One of them has told the log; the others follow.
    await expect.poll(() => watched.masterPort().catch(() => 0)).toBe(watched.replica.port);
    const { records } = await log.read(0, 0, 1000);
    expect(records.map(({ value }) => Buffer.from(value).toString())).toEqual(['before', 'after']);
    await log.close();
  });

  it('says so when something else has written to its stream', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const log = await openLog(server.url, { prefix: 'other' });
    await redisCommand(server, 'XADD', 'other:{p0}:log', '1-1', 'f', 'not a frame');
    await redisCommand(server, 'SET', 'other:{p0}:next', '1');
    await expect(log.read(0, 0, 1000)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await log.close();
  });
});
