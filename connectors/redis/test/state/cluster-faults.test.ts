import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode } from '@millrace/core';
import {
  serverAvailable,
  startRedisCluster,
  STATE_MINUTE,
  STATE_SCHEMA,
  STATE_START,
  stateChange,
  stateEvent,
} from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

import { openBoth, prefixed } from './fixture.ts';

const PARTITIONS = 6;

it.skipIf(!serverAvailable('redis'))(
  'the state on a Cluster applies every event once while its nodes are killed one after the other',
  async () => {
    const cluster = await startRedisCluster({ appendOnly: true });
    onTestFinished(() => cluster.stop());
    const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const options = { schema: STATE_SCHEMA, partitions: PARTITIONS, keep: 10, retentionMs: 24 * 3_600_000 };
    const store = await openBoth(prefixed(`redis://${hosts}/?cluster=true&retry-timeout=300ms`), options);
    onTestFinished(() => store.close());
    const next = Array.from({ length: PARTITIONS }, () => 0);
    let refused = 0;
    const done = new AbortController();
    // Partition by partition: a commit over all of them is refused while any node is down.
    const writing = next.map(async (_, partition) => {
      while (!done.signal.aborted) {
        const from = next[partition]!;
        const events = [0, 1, 2].map((at) =>
          stateEvent(from + at, { key: `key ${partition}`, measures: [1, from + at] }),
        );
        try {
          await store.writer.commit([stateChange(events, { partition })]);
          next[partition] = from + 3;
        } catch (error) {
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
          refused++;
        }
      }
    });
    for (const node of cluster.nodes) {
      await sleep(200);
      await node.kill();
      await sleep(500);
      await node.restart();
      await cluster.ready();
    }
    await sleep(200);
    done.abort();
    await Promise.all(writing);
    expect(refused).toBeGreaterThan(0);
    expect(Math.min(...next)).toBeGreaterThan(0);
    const query = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: [], limit: 10 };
    const { rows } = await store.reader.rollup(query);
    expect(rows[0]?.count).toBe(next.reduce((sum, offset) => sum + offset, 0));
    for (const [partition, offset] of next.entries()) {
      const entries = await store.reader.timeline(`key ${partition}`, { kind: 0, from: 0, to: Infinity, limit: 3 });
      expect(entries.map(({ measures }) => measures[1])).toEqual([offset - 1, offset - 2, offset - 3]);
    }
  },
  60_000,
);
