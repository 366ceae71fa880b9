import { hasCode, type RollupQuery, type StateReader } from '@millrace/core';
import { describe, expect, it, onTestFinished } from 'vitest';

import { STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent } from './state-events.ts';
import { describeStateModel } from './state-model-suite.ts';
import type { OpenStateStore, StateStoreFixture, StateStoreOptions } from './state-store-fixture.ts';

const HOUR_MS = 3_600_000;
const DEFAULTS: StateStoreOptions = { schema: STATE_SCHEMA, partitions: 4, keep: 230, retentionMs: 24 * HOUR_MS };

/** What every state store must do; run for each backend. */
export function describeStateStore(name: string, fixture: StateStoreFixture): void {
  const title = fixture.skip === undefined ? name : `${name} (skipped: ${fixture.skip})`;
  describe.skipIf(fixture.skip !== undefined)(title, () => {
    const open = async (options: Partial<StateStoreOptions> = {}): Promise<OpenStateStore> => {
      const store = await fixture.open({ ...DEFAULTS, ...options });
      onTestFinished(() => store.close());
      return store;
    };
    describeCommits(open);
    describeTimelines(open);
    describeRollups(open);
    describeRetention(open);
    describeDedupe(open);
    describeDeadLetters(open);
    describeModel(fixture);
  });
}

type Open = (options?: Partial<StateStoreOptions>) => Promise<OpenStateStore>;

const describeModel = (fixture: StateStoreFixture): void => describeStateModel(fixture, DEFAULTS);

const everything = { kind: 0, from: 0, to: Infinity, limit: 1000 };
const minute = (given: Partial<RollupQuery> = {}): RollupQuery => ({
  from: STATE_START,
  to: STATE_START + STATE_MINUTE,
  where: {},
  groupBy: [],
  limit: 1000,
  ...given,
});
const countOf = async (reader: StateReader, query: Partial<RollupQuery> = {}): Promise<number> => {
  const { rows } = await reader.rollup(minute(query));
  return rows.reduce((sum, { count }) => sum + count, 0);
};
const code = (code: string) => expect.objectContaining({ code });

function describeCommits(open: Open): void {
  describe('commit', () => {
    it('starts anywhere, moves the committed offset and shows the events to readers', async () => {
      const { writer, reader } = await open();
      expect(await writer.committed(1)).toBeUndefined();
      const result = await writer.commit([stateChange([stateEvent(41)], { partition: 1, from: 40, to: 50 })]);
      expect(result).toEqual({ applied: 1, redelivered: 0, duplicates: 0, late: 0 });
      expect(await writer.committed(1)).toBe(50);
      expect(await reader.committed(1)).toBe(50);
      expect(await reader.committed(0)).toBeUndefined();
      expect(await reader.timeline('alice', everything)).toHaveLength(1);
    });

    it('cuts off what was applied before, whatever the batch boundaries', async () => {
      const { writer, reader } = await open();
      const events = [0, 1, 2, 3].map((offset) => stateEvent(offset));
      await writer.commit([stateChange(events.slice(0, 3))]);
      expect(await writer.commit([stateChange(events.slice(0, 2))])).toMatchObject({ applied: 0, redelivered: 2 });
      expect(await writer.commit([stateChange(events.slice(1))])).toMatchObject({ applied: 1, redelivered: 2 });
      expect(await countOf(reader)).toBe(4);
      expect(await writer.committed(0)).toBe(4);
    });

    it('refuses a gap and applies nothing of the commit', async () => {
      const { writer, reader } = await open();
      await writer.commit([stateChange([stateEvent(0)])]);
      const other = stateChange([stateEvent(0)], { partition: 2 });
      await expect(writer.commit([other, stateChange([stateEvent(2)])])).rejects.toEqual(code('COMMIT_GAP'));
      expect(await writer.committed(2)).toBeUndefined();
      expect(await countOf(reader)).toBe(1);
      expect(await writer.commit([stateChange([stateEvent(1)])])).toMatchObject({ applied: 1 });
    });

    it('serialises commits that are started together', async () => {
      const { writer, reader } = await open();
      const commits = Array.from({ length: 20 }, (_, offset) => writer.commit([stateChange([stateEvent(offset)])]));
      await Promise.all(commits);
      expect(await countOf(reader)).toBe(20);
    });

    it('keeps everything over a reopen', async () => {
      const store = await open();
      await store.writer.commit([stateChange([stateEvent(0), stateEvent(1, { dimensions: ['', 'PL', 'x'] })])]);
      const before = [await store.reader.timeline('alice', everything), await store.reader.rollup(minute())];
      const { writer, reader } = await store.reopen();
      expect([await reader.timeline('alice', everything), await reader.rollup(minute())]).toEqual(before);
      expect(await writer.committed(0)).toBe(2);
    });

    it('says STATE_CLOSED after close', async () => {
      const { writer, reader } = await open();
      await writer.close();
      await expect(writer.commit([stateChange([stateEvent(0)])])).rejects.toEqual(code('STATE_CLOSED'));
      await reader.close();
      await expect(reader.rollup(minute())).rejects.toEqual(code('STATE_CLOSED'));
    });

    it('reports nothing as synced that is not committed', async () => {
      const { writer } = await open();
      expect(await writer.synced(0)).toBeUndefined();
      await writer.commit([stateChange([stateEvent(0)])]);
      const synced = await writer.synced(0);
      expect(synced === undefined || synced <= 1).toBe(true);
    });
  });
}

function describeTimelines(open: Open): void {
  describe('timeline', () => {
    it('is newest first, and of equal times the later arrival first', async () => {
      const { writer, reader } = await open();
      const times = [5, 7, 5, 9, 7];
      const events = times.map((time, at) => stateEvent(at, { time, measures: [at, 0] }));
      await writer.commit([stateChange(events.slice(0, 2))]);
      await writer.commit([stateChange(events.slice(2))]);
      const entries = await reader.timeline('alice', everything);
      expect(entries.map(({ time, measures }) => [time, measures[0]])).toEqual([
        [9, 3],
        [7, 4],
        [7, 1],
        [5, 2],
        [5, 0],
      ]);
    });

    it('filters by a half-open range, then limits, and keeps kinds and keys apart', async () => {
      const { writer, reader } = await open();
      const events = [10, 20, 30, 40].map((time, at) => stateEvent(at, { time }));
      await writer.commit([
        stateChange([...events, stateEvent(4, { kind: 1, time: 25 }), stateEvent(5, { key: 'bob' })]),
      ]);
      const times = async (from: number, to: number, limit = 1000): Promise<number[]> =>
        (await reader.timeline('alice', { kind: 0, from, to, limit })).map(({ time }) => time);
      expect(await times(20, 40)).toEqual([30, 20]);
      expect(await times(0, Infinity, 2)).toEqual([40, 30]);
      expect(await times(0, 40, 1)).toEqual([30]);
      expect(await times(41, 100)).toEqual([]);
      expect(await times(0, 100, 0)).toEqual([]);
      expect(await reader.timeline('nobody', everything)).toEqual([]);
    });

    it('shows the newest entries only, in whatever order they came', async () => {
      const { writer, reader } = await open({ keep: 3 });
      const events = [50, 10, 40, 20, 30].map((time, at) => stateEvent(at, { time }));
      for (const event of events) await writer.commit([stateChange([event])]);
      const entries = await reader.timeline('alice', everything);
      expect(entries.map(({ time }) => time)).toEqual([50, 40, 30]);
      expect(await reader.timeline('alice', { ...everything, to: 30 })).toEqual([]);
    });

    it('takes any text as key and value, and times from 0 to 2^48 - 1', async () => {
      const { writer, reader } = await open();
      const texts = ['', 'żółć 😀', '\0', ' 7', '07', '-0', '2147483648', '-2147483648', 'x'.repeat(5000)];
      const events = texts.map((text, at) =>
        stateEvent(at, {
          key: text,
          time: at % 2 === 0 ? 0 : 2 ** 48 - 1,
          dimensions: [text, 'PL', text],
          measures: [2147483647, -2147483648],
        }),
      );
      await writer.commit([stateChange(events)]);
      for (const { key, time, dimensions, measures } of events) {
        expect(await reader.timeline(key, everything)).toEqual([{ time, dimensions, measures }]);
      }
    });
  });
}

function describeRollups(open: Open): void {
  describe('rollup', () => {
    it('counts and sums per minute, over any filter and split', async () => {
      const { writer, reader } = await open();
      const rows: [number, number, string, string, string, number][] = [
        [0, 0, 'Nike', 'PL', '1', 10],
        [59_999, 1, 'Nike', 'DE', '2', 20],
        [60_000, 0, 'Puma', 'PL', '1', 40],
        [61_000, 0, '', 'PL', 'a', 80],
      ];
      const events = rows.map(([time, kind, brand, country, product, price], at) =>
        stateEvent(at, {
          time: STATE_START + time,
          kind,
          dimensions: [brand, country, product],
          measures: [price, -1],
        }),
      );
      await writer.commit([stateChange(events)]);
      const ask = async (given: Partial<RollupQuery>) =>
        (await reader.rollup(minute({ to: STATE_START + 2 * STATE_MINUTE, ...given }))).rows.map((row) => [
          (row.minute - STATE_START) / STATE_MINUTE,
          ...row.group,
          row.count,
          ...row.sums,
        ]);
      expect(await ask({})).toEqual([
        [0, 2, 30n, -2n],
        [1, 2, 120n, -2n],
      ]);
      expect(await ask({ to: STATE_START + STATE_MINUTE })).toEqual([[0, 2, 30n, -2n]]);
      expect(await ask({ where: { kind: ['BUY'] } })).toEqual([[0, 1, 20n, -1n]]);
      expect(await ask({ where: { brand: [''] } })).toEqual([[1, 1, 80n, -1n]]);
      expect(await ask({ where: { product: ['1', 'a'], country: ['PL'] } })).toEqual([
        [0, 1, 10n, -1n],
        [1, 2, 120n, -2n],
      ]);
      expect(await ask({ where: { brand: ['Adidas'] } })).toEqual([]);
      expect(await ask({ where: { kind: ['SELL'] } })).toEqual([]);
      expect(await ask({ where: { brand: [] } })).toEqual([]);
      expect(await ask({ groupBy: ['brand', 'kind'] })).toEqual([
        [0, 'Nike', 'BUY', 1, 20n, -1n],
        [0, 'Nike', 'VIEW', 1, 10n, -1n],
        [1, '', 'VIEW', 1, 80n, -1n],
        [1, 'Puma', 'VIEW', 1, 40n, -1n],
      ]);
    });

    it('limits groups to the most frequent ones, ties by their text', async () => {
      const { writer, reader } = await open();
      const brands = ['b', 'c', 'a', 'd', 'd'];
      await writer.commit([stateChange(brands.map((brand, at) => stateEvent(at, { dimensions: [brand, 'PL', '1'] })))]);
      const groups = async (limit: number) => {
        const { rows, truncated } = await reader.rollup(minute({ groupBy: ['brand'], limit }));
        return [rows.map(({ group }) => group[0]).join(''), truncated];
      };
      expect(await groups(2)).toEqual(['ad', true]);
      expect(await groups(4)).toEqual(['abcd', false]);
    });

    it('names the nearest dimension when one is not known', async () => {
      const { reader } = await open();
      const failure = await reader.rollup(minute({ where: { brnd: ['x'] } })).catch((error: unknown) => error);
      expect(hasCode(failure, 'INVALID_ARGUMENT') && failure.message).toContain('did you mean brand?');
      await expect(reader.rollup(minute({ groupBy: ['colour'] }))).rejects.toEqual(code('INVALID_ARGUMENT'));
      await expect(reader.rollup(minute({ from: STATE_START + 1 }))).rejects.toEqual(code('INVALID_ARGUMENT'));
    });

    it('answers for ranges of any length', async () => {
      const { writer, reader } = await open({ retentionMs: 100 * 24 * HOUR_MS });
      const events = [0, 600, 1500].map((at, offset) => stateEvent(offset, { time: STATE_START + at * STATE_MINUTE }));
      await writer.commit([stateChange(events)]);
      const { rows } = await reader.rollup(minute({ from: 0, to: STATE_START + 2000 * STATE_MINUTE }));
      expect(rows.map(({ minute }) => (minute - STATE_START) / STATE_MINUTE)).toEqual([0, 600, 1500]);
    });
  });
}

function describeRetention(open: Open): void {
  describe('event time', () => {
    it('follows the slowest active partition, never back', async () => {
      const { writer, reader } = await open();
      const at = async (partition: number, from: number, time: number, appendedAt: number) => {
        await writer.commit([stateChange([stateEvent(from, { time, appendedAt })], { partition })]);
        return (await reader.statistics()).clock;
      };
      expect((await reader.statistics()).clock).toBeUndefined();
      expect(await at(0, 0, 5000, 0)).toBe(5000);
      expect(await at(1, 0, 3000, 1000)).toBe(5000);
      expect(await at(0, 1, 9000, 2000)).toBe(5000);
      expect(await at(1, 1, 8000, 3000)).toBe(8000);
      // Partition 1 falls silent for more than ten minutes.
      expect(await at(0, 2, 20_000, 700_000)).toBe(20_000);
    });

    it('keeps late events in their minute, and too late ones in timelines only', async () => {
      const { writer, reader } = await open({ retentionMs: HOUR_MS });
      const late = STATE_START - HOUR_MS;
      await writer.commit([stateChange([stateEvent(0, { time: late }), stateEvent(1)])]);
      expect(await countOf(reader, { from: late, to: late + STATE_MINUTE })).toBe(1);
      const events = [stateEvent(2, { time: late - 1 }), stateEvent(3, { time: late })];
      expect(await writer.commit([stateChange(events)])).toMatchObject({ applied: 2, late: 1 });
      expect(await countOf(reader, { from: late - STATE_MINUTE, to: late })).toBe(0);
      expect(await countOf(reader, { from: late, to: late + STATE_MINUTE })).toBe(2);
      expect(await reader.timeline('alice', everything)).toHaveLength(4);
      expect(await reader.statistics()).toMatchObject({ late: 1, clock: STATE_START });
    });

    it('shows no minute that is over, also after a reopen', async () => {
      const store = await open({ retentionMs: HOUR_MS });
      const minutes = Array.from({ length: 200 }, (_, at) => stateEvent(at, { time: STATE_START + at * STATE_MINUTE }));
      for (const event of minutes) await store.writer.commit([stateChange([event])]);
      const all = { to: STATE_START + 200 * STATE_MINUTE };
      expect(await countOf(store.reader, all)).toBe(61);
      const { reader } = await store.reopen();
      expect(await countOf(reader, all)).toBe(61);
    });
  });
}

const keyedEvent = (offset: number, minutes: number, dedupeKey = 'once') =>
  stateEvent(offset, { dedupeKey, appendedAt: STATE_START + minutes * STATE_MINUTE });

function describeDedupe(open: Open): void {
  describe('dedupe keys', () => {
    it('drop repeats for ten minutes of append time, also in one commit and after a reopen', async () => {
      const store = await open();
      const first = [keyedEvent(0, 0), keyedEvent(1, 0), keyedEvent(2, 0, 'other')];
      expect(await store.writer.commit([stateChange(first)])).toMatchObject({ applied: 2, duplicates: 1 });
      const { writer, reader } = await store.reopen();
      expect(await writer.commit([stateChange([keyedEvent(3, 9.99)])])).toMatchObject({ applied: 0, duplicates: 1 });
      expect(await writer.commit([stateChange([keyedEvent(4, 10), keyedEvent(5, 19.99)])])).toMatchObject({
        applied: 1,
        duplicates: 1,
      });
      expect(await writer.commit([stateChange([keyedEvent(6, 25)])])).toMatchObject({ applied: 1 });
      expect(await countOf(reader)).toBe(4);
      expect(await reader.timeline('alice', everything)).toHaveLength(4);
      expect(await reader.statistics()).toMatchObject({ duplicates: 3 });
    });
  });
}

const newLetter = (offset: number, key?: string) => ({
  offset,
  appendedAt: 5,
  code: 'RECORD_UNREADABLE',
  reason: `byte ${offset} ą`,
  key,
  value: Uint8Array.from([0, 255, offset]),
});

function describeDeadLetters(open: Open): void {
  describe('dead letters', () => {
    it('are listed in order, page by page, until they are resolved', async () => {
      const store = await open();
      await store.writer.commit([
        stateChange([], { partition: 2, from: 0, to: 5, deadLetters: [newLetter(3)] }),
        stateChange([], { partition: 1, from: 0, to: 500, deadLetters: [newLetter(20, ''), newLetter(100, 'k')] }),
      ]);
      const { writer, reader } = await store.reopen();
      const all = await reader.deadLetters({ limit: 10 });
      expect(all.map(({ id }) => id)).toEqual(['1-20', '1-100', '2-3']);
      expect(all[1]).toEqual({ ...newLetter(100, 'k'), id: '1-100', partition: 1 });
      expect(await reader.deadLetters({ limit: 1, after: '1-20' })).toEqual([all[1]]);
      expect(await reader.deadLetters({ limit: 10, after: '2-3' })).toEqual([]);
      expect(await reader.deadLetter('2-3')).toEqual(all[2]);
      expect(await reader.deadLetter('2-4')).toBeUndefined();
      expect(await reader.deadLetter('nonsense')).toBeUndefined();
      expect((await reader.statistics()).deadLetters).toBe(3);

      const resolved = ['1-20', '1-20', '1-21'];
      await writer.commit([stateChange([stateEvent(5)], { partition: 2, resolved })]);
      expect(await reader.deadLetter('1-20')).toBeUndefined();
      expect((await reader.deadLetters({ limit: 10 })).map(({ id }) => id)).toEqual(['1-100', '2-3']);
      expect((await reader.statistics()).deadLetters).toBe(2);
    });
  });
}
