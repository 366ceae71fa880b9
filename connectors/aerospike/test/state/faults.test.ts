import { type AerospikeDev, type FaultRule, startAerospikeDev } from '@millrace/aerospike-dev';
import type { StateEvent } from '@millrace/core';
import {
  freePort,
  seededRandom,
  STATE_MINUTE,
  STATE_SCHEMA,
  STATE_START,
  stateChange,
  stateEvent,
  StateModel,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { parseAerospikeUrl } from '../../src/address.ts';
import { connect } from '../../src/client.ts';
import { plainAerospikeOptions } from '../../src/connection-options.ts';
import { openAerospikeStateReader, openAerospikeStateWriter } from '../../src/state-store.ts';
import { namespaceUrl, withSet } from '../servers.ts';

const OPTIONS = { schema: STATE_SCHEMA, partitions: 3, keep: 5, retentionMs: 24 * 3_600_000 };
const HOUR = {
  from: STATE_START,
  to: STATE_START + 60 * STATE_MINUTE,
  where: {},
  groupBy: ['product'],
  limit: 100_000,
};
const newest = { kind: 0, from: 0, to: Infinity, limit: 100 };

/** Events of one partition with many keys and, for hot spots, one that comes again and again. */
function eventsOf(partition: number, count: number): StateEvent[] {
  const random = seededRandom(partition + 1);
  return Array.from({ length: count }, (_, offset) =>
    stateEvent(offset, {
      key: `${partition}-${random() < 0.3 ? 'hot' : Math.floor(random() * 20)}`,
      time: STATE_START + Math.floor(random() * 3 * STATE_MINUTE),
      dimensions: [`brand ${Math.floor(random() * 40)}`, 'PL', String(partition * 100_000 + offset)],
      measures: [offset, partition],
    }),
  );
}

describe('the state while Aerospike fails', () => {
  let server: AerospikeDev;
  beforeAll(async () => {
    // Not of the system's choice: a lost node wants its port again.
    server = await startAerospikeDev({ port: await freePort(3), namespaces: ['test'], nodes: 3 });
  });
  afterAll(() => server.stop());

  const open = async (url: string) => {
    const writer = await openAerospikeStateWriter(url, OPTIONS);
    const reader = await openAerospikeStateReader(url, OPTIONS);
    onTestFinished(async () => {
      await server.faults.clear();
      await writer.close();
      await reader.close();
    });
    return { writer, reader };
  };

  /** Commits everything in batches of any size, beginning again from the committed offset as often as it takes. */
  async function commitAll(url: string, logs: readonly StateEvent[][], model: StateModel): Promise<void> {
    const random = seededRandom(42);
    let { writer, reader } = await open(url);
    for (const [partition, events] of logs.entries()) {
      let at = (await writer.committed(partition)) ?? 0;
      while (at < events.length) {
        const batch = events.slice(at, at + 1 + Math.floor(random() * 40));
        const change = stateChange(batch, { partition });
        try {
          await writer.commit([change]);
        } catch {
          // As after a crash: another writer goes on from what is committed.
          ({ writer, reader } = await open(url));
        }
        at = (await writer.committed(partition)) ?? 0;
      }
      model.commit([stateChange(events, { partition })]);
    }
    await server.faults.clear();
    expect(await reader.rollup(HOUR)).toEqual(model.rollup(HOUR));
    for (const key of new Set(logs.flat().map((event) => event.key))) {
      expect(await reader.timeline(key, newest)).toEqual(model.timeline(key, newest));
    }
  }

  it.each<[string, FaultRule]>([
    ['writes time out after being applied', { kind: 'timeout-after-apply', commands: 'write', percent: 10 }],
    ['writes time out without being applied', { kind: 'timeout', commands: 'write', percent: 10 }],
    ['keys are hot', { kind: 'hot-key', commands: 'write', percent: 10 }],
    ['devices are overloaded', { kind: 'device-overload', commands: 'write', percent: 10 }],
    ['partitions move', { kind: 'unavailable', commands: 'any', percent: 5 }],
    ['connections break after a write was applied', { kind: 'disconnect-after-apply', commands: 'write', percent: 3 }],
    ['connections break', { kind: 'disconnect', commands: 'any', percent: 3 }],
  ])('is exact when %s', async (_, rule) => {
    const url = withSet(namespaceUrl(server));
    const logs = [0, 1, 2].map((partition) => eventsOf(partition, 400));
    await server.faults.add(rule);
    await commitAll(url, logs, new StateModel(OPTIONS));
  });

  it('is exact when commits end half-way, and others begin at other boundaries', async () => {
    // Without retries, every lost answer ends the commit.
    const url = `${withSet(namespaceUrl(server))}&retry_timeout=0ms`;
    const logs = [0, 1, 2].map((partition) => eventsOf(partition, 300));
    await server.faults.add({
      kind: 'timeout-after-apply',
      set: setOf(url, '-timelines'),
      commands: 'write',
      percent: 4,
    });
    await server.faults.add({ kind: 'timeout', set: setOf(url, '-minutes'), commands: 'write', percent: 20 });
    await commitAll(url, logs, new StateModel(OPTIONS));
  });

  it('is exact when a node is lost and comes back', async () => {
    const url = withSet(namespaceUrl(server));
    const logs = [0, 1, 2].map((partition) => eventsOf(partition, 1500));
    const committing = commitAll(url, logs, new StateModel(OPTIONS));
    for (const node of [1, 2]) {
      await server.loseNode(node);
      await server.returnNode(node);
    }
    await committing;
  });

  it('lets an owner that was taken over change nothing', async () => {
    const url = withSet(namespaceUrl(server));
    const { writer: old, reader } = await open(url);
    await old.commit([stateChange([stateEvent(0)])]);
    const { writer } = await open(url);
    expect(await writer.committed(0)).toBe(1);
    const stale = [stateEvent(1, { dimensions: ['stale', 'PL', '1'] }), stateEvent(2)];
    await expect(old.commit([stateChange(stale)])).rejects.toMatchObject({ code: 'STALE_OWNER' });
    await expect(old.commit([stateChange(stale)])).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expect(await reader.committed(0)).toBe(1);
    // The same events of the same log by the new owner: each counts once.
    await writer.commit([stateChange(stale)]);
    expect(await reader.timeline('alice', newest)).toHaveLength(3);
    const { rows } = await reader.rollup({ ...HOUR, groupBy: [] });
    expect(rows.map(({ count }) => count)).toEqual([3]);
  });

  it('says COMMIT_GAP when the server has lost what it had confirmed, and begins again', async () => {
    const url = withSet(namespaceUrl(server));
    const { writer, reader } = await open(url);
    await writer.commit([stateChange([stateEvent(0), stateEvent(1)])]);
    const connection = await connect(parseAerospikeUrl(url, plainAerospikeOptions).address);
    for (const suffix of ['', '-timelines', '-minutes'])
      await connection.client.truncate('test', setOf(url, suffix), 0);
    connection.close();
    await expect(writer.commit([stateChange([stateEvent(2)])])).rejects.toMatchObject({ code: 'COMMIT_GAP' });
    await expect(writer.commit([stateChange([stateEvent(2)])])).rejects.toMatchObject({ code: 'COMMIT_GAP' });
    expect(await writer.committed(0)).toBeUndefined();
    await writer.commit([stateChange([stateEvent(0), stateEvent(1), stateEvent(2)])]);
    const { rows } = await reader.rollup({ ...HOUR, groupBy: [] });
    expect(rows.map(({ count }) => count)).toEqual([3]);
    expect(await reader.timeline('alice', newest)).toHaveLength(3);
  });

  it('names the rows of an old minute also while their commit is under way', async () => {
    const url = withSet(namespaceUrl(server));
    const { writer, reader } = await open(url);
    const model = new StateModel(OPTIONS);
    // More minutes than a status names.
    const minutes = stateChange(
      Array.from({ length: 20 }, (_, offset) =>
        stateEvent(offset, { time: STATE_START + offset * STATE_MINUTE, dimensions: ['known', 'PL', '1'] }),
      ),
    );
    await writer.commit([minutes]);
    model.commit([minutes]);
    // Now it has the dictionary, but not the first minute.
    await reader.rollup(minuteAt(19));
    let isUnderWay = false;
    // A busy machine may need longer than the commit takes.
    for (let round = 0; !isUnderWay && round < 5; round++) {
      const late = stateChange([
        stateEvent(20 + round, { time: STATE_START, dimensions: [`new ${round}`, 'PL', '1'] }),
      ]);
      model.commit([late]);
      const delayMs = 1000 * 2 ** round;
      await server.faults.add({ kind: 'latency', set: setOf(url, '-minutes'), commands: 'write', delayMs });
      let isCommitted = false;
      const committing = writer.commit([late]).finally(() => {
        isCommitted = true;
      });
      await expect.poll(async () => (await server.faults.list())[0]?.struck).toBeGreaterThan(0);
      expect(await reader.rollup(minuteAt(0))).toEqual(model.rollup(minuteAt(0)));
      isUnderWay = !isCommitted;
      await committing;
      await server.faults.clear();
    }
    expect(isUnderWay).toBe(true);
    expect(await reader.rollup(minuteAt(0))).toEqual(model.rollup(minuteAt(0)));
  });

  it('commits on after another owner had it in between', async () => {
    const url = withSet(namespaceUrl(server));
    const { writer: first } = await open(url);
    await first.commit([stateChange([stateEvent(0)])]);
    const { writer: second } = await open(url);
    await second.committed(0);
    await second.commit([stateChange([stateEvent(1, { dimensions: ['new', 'PL', '1'] })])]);
    await expect(first.commit([stateChange([stateEvent(1)])])).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expect(await first.committed(0)).toBe(2);
    expect(await first.commit([stateChange([stateEvent(2)])])).toMatchObject({ applied: 1 });
  });
});

const minuteAt = (index: number) => ({
  ...HOUR,
  from: STATE_START + index * STATE_MINUTE,
  to: STATE_START + (index + 1) * STATE_MINUTE,
  groupBy: ['brand'],
});

const setOf = (url: string, suffix: string): string => `${/test\/(\w+)/.exec(url)![1]!}${suffix}`;
