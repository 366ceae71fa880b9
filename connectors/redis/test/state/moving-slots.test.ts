import type { MillraceError, NewDeadLetter } from '@millrace/core';
import {
  type RedisCluster,
  redisCommand,
  type RedisServer,
  serverAvailable,
  startRedisCluster,
  STATE_MINUTE,
  STATE_SCHEMA,
  STATE_START,
  stateChange,
  stateEvent,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBoth, prefixed } from './fixture.ts';

const minute = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: [], limit: 10 };
const all = { kind: 0, from: 0, to: Infinity, limit: 100 };

describe.skipIf(!serverAvailable('redis'))('a state whose slot moves to another node', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  it('takes a commit whole or not at all, and answers with everything or not at all', async () => {
    const url = `${prefixed(`${cluster.url}/?cluster=true`)}&retry-timeout=300ms`;
    const options = { schema: STATE_SCHEMA, partitions: 1, keep: 100, retentionMs: 24 * 3_600_000 };
    const store = await openBoth(url, options);
    // So that every key exists that a commit is known to touch.
    const first = stateChange([stateEvent(0, { key: 'known', dedupeKey: 'a' }), stateEvent(1, { key: 'other' })]);
    const letter: NewDeadLetter = {
      offset: 1,
      key: undefined,
      code: 'RECORD_UNREADABLE',
      reason: 'none',
      appendedAt: STATE_START,
      value: Buffer.from('x'),
    };
    await store.writer.commit([{ ...first, deadLetters: [letter] }]);
    const slot = String(await redisCommand(cluster.nodes[0]!, 'CLUSTER', 'KEYSLOT', '{p0}'));
    const { from, to } = await sides(cluster, `${/prefix=([^&]+)/.exec(url)![1]}:{p0}:owner`);
    const [fromId, toId] = await Promise.all([from, to].map((node) => redisCommand(node, 'CLUSTER', 'MYID')));
    await redisCommand(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
    await redisCommand(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
    const change = stateChange([stateEvent(2, { key: 'known' }), stateEvent(3, { key: 'new' })]);
    // Nothing has moved yet; then the half of it has; then all has.
    const keys = (await redisCommand(from, 'CLUSTER', 'GETKEYSINSLOT', slot, '100')) as readonly string[];
    for (const part of [[], keys.slice(0, keys.length / 2), keys.slice(keys.length / 2)]) {
      for (const key of part) await redisCommand(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '60000');
      await expect(store.writer.commit([change])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      const answer = await store.reader.rollup(minute).then(({ rows }) => rows[0]?.count, codeOf);
      expect(answer).toBe('UNAVAILABLE');
    }
    for (const node of [to, from, ...cluster.nodes]) {
      await redisCommand(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    }
    expect(await store.writer.commit([change])).toMatchObject({ applied: 2 });
    expect(await store.reader.timeline('known', all)).toHaveLength(2);
    expect(await store.reader.timeline('new', all)).toHaveLength(1);
    expect((await store.reader.rollup(minute)).rows[0]?.count).toBe(4);
    await store.close();
  });
});

/** The node that has the key, and another one. */
async function sides({ nodes }: RedisCluster, key: string): Promise<{ from: RedisServer; to: RedisServer }> {
  const found = await Promise.all(nodes.map((node) => redisCommand(node, 'EXISTS', key).catch(() => 0)));
  const from = nodes[found.indexOf(1)]!;
  return { from, to: nodes.find((node) => node !== from)! };
}

const codeOf = (error: MillraceError): string => error.code;
