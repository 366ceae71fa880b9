import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import type { NewDeadLetter } from '@millrace/core';
import { STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent, StateModel } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { openAerospikeRecords } from '../../src/index.ts';
import { listOf } from '../list-of.ts';
import { namespaceUrl, withSet } from '../servers.ts';
import { openBoth } from './fixture.ts';

const OPTIONS = { schema: STATE_SCHEMA, partitions: 2, keep: 5, retentionMs: 24 * 3_600_000 };
const MINUTE = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: ['brand'], limit: 100_000 };

const lettersAt = (offsets: readonly number[]): NewDeadLetter[] =>
  offsets.map((offset) => ({
    offset,
    appendedAt: STATE_START,
    code: 'INVALID_TAG',
    reason: 'test',
    key: '',
    value: Buffer.alloc(0),
  }));

const long = (offset: number): string => `${offset} ${'語'.repeat(2150)}`;

describe('what does not fit one record', () => {
  let server: AerospikeDev;
  let large: AerospikeDev;
  beforeAll(async () => {
    large = await startAerospikeDev({ port: 0, namespaces: ['test'] });
    // Nothing may come near the real limit of 1 MiB.
    server = await startAerospikeDev({ port: 0, namespaces: ['test'], maxRecordBytes: 256 * 1024 });
  });
  afterAll(async () => {
    await server.stop();
    await large.stop();
  });

  const open = async () => {
    const store = await openBoth(withSet(namespaceUrl(server)), OPTIONS);
    onTestFinished(async () => {
      await server.faults.clear();
      await store.close();
    });
    return store;
  };

  it('goes on in the next one: minutes and dictionaries, in small and large commits, with lost answers', async () => {
    let store = await open();
    const model = new StateModel(OPTIONS);
    const events = Array.from({ length: 24_000 }, (_, offset) =>
      stateEvent(offset, {
        key: `key-${offset % 100}`,
        dimensions: [`a brand with a long name ${offset % 3000}`.padEnd(60, 'x'), 'PL', `text ${offset}`],
        measures: [offset, -offset],
      }),
    );
    await server.faults.add({ kind: 'timeout-after-apply', commands: 'write', percent: 5 });
    for (let at = 0; at < events.length;) {
      const size = at === 0 ? 12_000 : 1500;
      const change = stateChange(events.slice(at, at + size));
      await store.writer.commit([change]);
      model.commit([change]);
      at += size;
      // Readers follow while it grows, and new ones begin anywhere.
      if (at === 15_000) store = await store.reopen();
      if (at % 3000 === 0) expect(await store.reader.rollup(MINUTE)).toEqual(model.rollup(MINUTE));
    }
    await server.faults.clear();
    const { reader } = await store.reopen();
    expect(await reader.rollup(MINUTE)).toEqual(model.rollup(MINUTE));
    const query = { kind: 0, from: 0, to: Infinity, limit: 100 };
    for (const key of ['key-0', 'key-99'])
      expect(await reader.timeline(key, query)).toEqual(model.timeline(key, query));
  });

  it('counts once after a commit that filled a record and never came to its end', async () => {
    const place = withSet(namespaceUrl(server));
    const events = Array.from({ length: 401 }, (_, offset) =>
      stateEvent(offset, { key: `key-${offset % 50}`, dimensions: ['x', 'PL', `${offset}`.padStart(200, 'x')] }),
    );
    const ended = await openBoth(`${place}&retry_timeout=0ms`, OPTIONS);
    await ended.writer.commit([stateChange(events.slice(0, 1))]);
    // The entries of the dictionary are stored, so the status is all that the commit writes to this set.
    await server.faults.add({ kind: 'timeout', set: /test\/(\w+)/.exec(place)![1]!, commands: 'write' });
    await expect(ended.writer.commit([stateChange(events.slice(1))])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await server.faults.clear();
    await ended.close();
    const store = await openBoth(place, OPTIONS);
    onTestFinished(() => store.close());
    const { writer, reader } = store;
    const model = new StateModel(OPTIONS);
    model.commit([stateChange(events.slice(0, 1))]);
    expect(await writer.committed(0)).toBe(1);
    for (const [from, to] of [
      [1, 200],
      [200, 401],
    ]) {
      await writer.commit([stateChange(events.slice(from, to))]);
      model.commit([stateChange(events.slice(from, to))]);
    }
    expect(await reader.rollup(MINUTE)).toEqual(model.rollup(MINUTE));
  });

  it('is removed to the last record when its minute is over, also when answers are lost', async () => {
    const place = withSet(namespaceUrl(server));
    const set = /test\/(\w+)/.exec(place)![1]!;
    const store = await openBoth(place, OPTIONS);
    onTestFinished(async () => {
      await server.faults.clear();
      await store.close();
    });
    const rows = Array.from({ length: 6000 }, (_, offset) =>
      stateEvent(offset, { key: `key-${offset % 50}`, dimensions: ['x', 'PL', `${offset}`.padStart(100, 'x')] }),
    );
    await store.writer.commit([stateChange(rows)]);
    const records = await openAerospikeRecords(place);
    onTestFinished(() => records.close());
    const blocks = async (): Promise<number> => (await listOf(records.scan({ set: `${set}-minutes` }))).length;
    expect(await blocks()).toBeGreaterThan(3);
    await server.faults.add({ kind: 'timeout-after-apply', set: `${set}-minutes`, commands: 'write', percent: 50 });
    const later = STATE_START + 2 * OPTIONS.retentionMs;
    for (let offset = 6000; offset < 6002; offset++) {
      await store.writer.commit([stateChange([stateEvent(offset, { time: later, appendedAt: later })])]);
    }
    expect(await blocks()).toBe(1);
  });

  it('is left out of the one timeline that a commit of thousands has', async () => {
    const { writer, reader } = await open();
    const model = new StateModel(OPTIONS);
    const change = stateChange(Array.from({ length: 20_000 }, (_, offset) => stateEvent(offset)));
    await writer.commit([change]);
    model.commit([change]);
    const query = { kind: 0, from: 0, to: Infinity, limit: 100 };
    expect(await reader.timeline('alice', query)).toEqual(model.timeline('alice', query));
    expect(await reader.rollup(MINUTE)).toEqual(model.rollup(MINUTE));
  });

  it('is left out of timelines whose texts are far too long', async () => {
    const { writer, reader } = await open();
    for (let offset = 0; offset < 10; offset++) {
      const long = String(offset).repeat(60_000);
      await writer.commit([
        stateChange([stateEvent(offset, { time: STATE_START + offset, dimensions: ['x', 'PL', long] })]),
      ]);
    }
    const entries = await reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 100 });
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.length).toBeLessThan(5);
    expect(entries.map(({ time }) => time - STATE_START)).toEqual([9, 8, 7, 6].slice(0, entries.length));
  });

  it('is left out of timelines of which far too many are kept', async () => {
    const store = await openBoth(withSet(namespaceUrl(large)), { ...OPTIONS, keep: 100_000 });
    onTestFinished(() => store.close());
    const text = 'x'.repeat(100);
    for (let from = 0; from < 12_000; from += 1500) {
      await store.writer.commit([
        stateChange(
          Array.from({ length: 1500 }, (_, at) =>
            stateEvent(from + at, { time: STATE_START + from + at, dimensions: ['x', 'PL', text] }),
          ),
        ),
      ]);
    }
    const entries = await store.reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 100_000 });
    expect(entries.length).toBeGreaterThan(1000);
    expect(entries[0]!.time).toBe(STATE_START + 11_999);
  });

  it('is left out of a timeline to which all partitions bring long texts', async () => {
    const partitions = 32;
    const place = withSet(namespaceUrl(large));
    const store = await openBoth(place, { ...OPTIONS, partitions });
    onTestFinished(() => store.close());
    const text = 'x'.repeat(30_000);
    for (let round = 0; round < 3; round++) {
      for (let partition = 0; partition < partitions; partition++) {
        const events = [0, 1, 2, 3].map((n) => {
          const offset = 4 * round + n;
          return stateEvent(offset, { time: STATE_START + offset * 100 + partition, dimensions: ['x', 'PL', text] });
        });
        await store.writer.commit([stateChange(events, { partition })]);
      }
    }
    const entries = await store.reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 100 });
    expect(entries.length).toBe(OPTIONS.keep);
    const records = await openAerospikeRecords(place);
    onTestFinished(() => records.close());
    const [timeline] = await listOf(records.scan({ set: `${/test\/(\w+)/.exec(place)![1]!}-timelines` }));
    const bytes = Object.values(timeline!.bins).reduce<number>(
      (sum, value) => sum + (Buffer.isBuffer(value) ? value.length : 0),
      0,
    );
    expect(bytes).toBeLessThan(768 * 1024);
  });

  it('goes on in the next one also where a text has three bytes for each of its characters', async () => {
    const store = await open();
    const model = new StateModel(OPTIONS);
    // A record just below the size at which it is full, and then one append more.
    for (const [from, to] of [
      [0, 10],
      [10, 110],
    ] as const) {
      const events = Array.from({ length: to - from }, (_, at) =>
        stateEvent(from + at, { key: `key-${from + at}`, dimensions: ['brand', 'PL', long(from + at)] }),
      );
      const change = stateChange(events);
      await store.writer.commit([change]);
      model.commit([change]);
    }
    expect(await store.reader.rollup(MINUTE)).toEqual(model.rollup(MINUTE));
  });

  it('writes no record twice for the dead letters of one commit, or for their end', async () => {
    const url = withSet(namespaceUrl(server));
    const store = await openBoth(url, OPTIONS);
    onTestFinished(() => store.close());
    const deadLetters = lettersAt(Array.from({ length: 2000 }, (_, offset) => offset));
    await store.writer.commit([stateChange([], { partition: 0, from: 0, to: 2000, deadLetters })]);
    expect((await store.reader.statistics()).deadLetters).toBe(2000);
    const records = await openAerospikeRecords(url);
    onTestFinished(() => records.close());
    const set = `${/test\/(\w+)/.exec(url)![1]!}-letters`;
    const generations = async (): Promise<Set<number>> =>
      new Set((await listOf(records.scan({ set }))).map(({ generation }) => generation));
    expect(await generations()).toEqual(new Set([1]));
    const resolved = deadLetters.map(({ offset }) => `0-${offset}`);
    await store.writer.commit([stateChange([stateEvent(2000)], { resolved: [...resolved, '0-5000'] })]);
    expect((await store.reader.statistics()).deadLetters).toBe(0);
    // The two of the index: of offsets, and of blocks.
    expect(await generations()).toEqual(new Set([1, 2]));
  });

  it('has dead letters all over a long log without a status that grows with them', async () => {
    const url = withSet(namespaceUrl(server));
    const store = await openBoth(url, OPTIONS);
    onTestFinished(() => store.close());
    const apart = 16_384;
    const offsets = [...Array.from({ length: 2000 }, (_, n) => n * apart), 10 * apart * apart];
    const to = offsets.at(-1)! + 1;
    await store.writer.commit([stateChange([], { partition: 0, from: 0, to, deadLetters: lettersAt(offsets) })]);
    const { writer, reader } = await store.reopen();
    expect((await reader.deadLetters({ limit: 5000 })).map(({ offset }) => offset)).toEqual(offsets);
    await writer.commit([stateChange([stateEvent(offsets.at(-1)! + 1)], { resolved: ['0-0', `0-${apart}`] })]);
    expect((await reader.statistics()).deadLetters).toBe(offsets.length - 2);
    expect(await reader.deadLetters({ limit: 1 })).toMatchObject([{ offset: 2 * apart }]);
    const records = await openAerospikeRecords(url);
    onTestFinished(() => records.close());
    const statuses = await listOf(records.scan({ bins: ['x'] }));
    const sizes = statuses.flatMap(({ bins }) => (Buffer.isBuffer(bins['x']) ? [bins['x'].length] : []));
    expect(sizes).toEqual([2]);
  });
});
