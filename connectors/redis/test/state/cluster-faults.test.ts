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

import { openRedisStateReader, openRedisStateWriter } from '../../src/state-store.ts';
import { prefixed } from './fixture.ts';

const PARTITIONS = 6;

it.skipIf(!serverAvailable('redis'))(
  'the state on a Cluster applies every event once while its nodes are killed one after the other',
  async () => {
    const cluster = await startRedisCluster({ appendOnly: true, nodeTimeoutMs: 500 });
    onTestFinished(() => cluster.stop());
    const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const options = { schema: STATE_SCHEMA, partitions: PARTITIONS, keep: 10, retentionMs: 24 * 3_600_000 };
    const url = prefixed(`redis://${hosts}/?cluster=true`);
    const writer = await openRedisStateWriter(`${url}&retry-timeout=300ms`, options);
    onTestFinished(() => writer.close());
    const reader = await openRedisStateReader(`${url}&retry-timeout=1m`, options);
    onTestFinished(() => reader.close());
    const next = Array.from({ length: PARTITIONS }, () => 0);
    let refused = 0;
    const done = new AbortController();
    // Partition by partition: a commit over all of them is refused while any node is down.
    const writing = next.map(async (_, partition) => {
      // The last one goes through: of one that was refused nobody knows whether it did.
      for (let isDone = false; !isDone;) {
        const from = next[partition]!;
        const events = [0, 1, 2].map((at) =>
          stateEvent(from + at, { key: `key ${partition}`, measures: [1, from + at] }),
        );
        try {
          await writer.commit([stateChange(events, { partition })]);
          next[partition] = from + 3;
          isDone = done.signal.aborted;
        } catch (error) {
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
          refused++;
        }
      }
    });
    const allWrite = async (): Promise<void> => {
      const before = [...next];
      await expect.poll(() => next.every((offset, partition) => offset > before[partition]!)).toBe(true);
    };
    for (const node of cluster.nodes) {
      await allWrite();
      await node.kill();
      const before = refused;
      await expect.poll(() => refused).toBeGreaterThan(before);
      await node.restart();
      await cluster.ready();
    }
    await allWrite();
    done.abort();
    await Promise.all(writing);
    const query = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: [], limit: 10 };
    const { rows } = await reader.rollup(query);
    expect(rows[0]?.count).toBe(next.reduce((sum, offset) => sum + offset, 0));
    for (const [partition, offset] of next.entries()) {
      const entries = await reader.timeline(`key ${partition}`, { kind: 0, from: 0, to: Infinity, limit: 3 });
      expect(entries.map(({ measures }) => measures[1])).toEqual([offset - 1, offset - 2, offset - 3]);
    }
  },
);
