import {
  MillraceError,
  partitionOf,
  type Batch,
  type EventLog,
  type LogAppender,
  type LogReader,
} from '@millrace/core';
import { expect } from 'vitest';

import { type ContractSubject, describeContract } from './contract-suite.ts';
import { checkEventLogModel } from './event-log-model.ts';
import type { EventLogTarget, OpenLog } from './event-log-target.ts';
import { copyRecords, readWhole, type SeenRecord } from './read-whole.ts';

/** An empty log has to have so many partitions. */
export const SUITE_PARTITIONS = 3;

const bytes = (text: string): Buffer => Buffer.from(text);
const text = (record: SeenRecord): string => record.value.toString();
const bytesOf = (batches: readonly Batch[]): number =>
  batches.flatMap((batch) => batch.records).reduce((sum, { value }) => sum + value.length, 0);
const earliest = async (): Promise<'earliest'> => 'earliest';
const never = new AbortController().signal;

/** Appends `count` records with keys, values `prefix0`, `prefix1`, ... one call each, all at once. */
const appendMany = (log: LogAppender, count: number, prefix = ''): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, i) => log.append([{ key: `k${i}`, value: bytes(`${prefix}${i}`) }])));

const partition = (records: readonly SeenRecord[], wanted: number): SeenRecord[] =>
  records.filter((record) => record.partition === wanted);

/** Consumes until the condition holds after a `handle`. */
async function consumeUntil(
  log: LogReader,
  group: string,
  start: 'earliest' | 'latest',
  enough: (records: readonly SeenRecord[]) => boolean,
  onStart: () => void = () => undefined,
): Promise<SeenRecord[]> {
  const records: SeenRecord[] = [];
  const stop = new AbortController();
  await log.consume(group, {
    start: async (asked) => {
      if (asked === log.partitions - 1) setTimeout(onStart, 20);
      return start;
    },
    signal: stop.signal,
    handle: async (batches) => {
      for (const batch of batches) records.push(...copyRecords(batch));
      if (enough(records)) stop.abort();
    },
  });
  return records;
}

const TESTS = {
  'gives back keys and values as they were': async ({ appender, reader }) => {
    const before = Date.now();
    const records = [
      { key: 'plain', value: bytes('1') },
      { key: 'zażółć 🦜', value: bytes('') },
      { key: '', value: bytes('empty key') },
      { value: Buffer.from([0, 255, 10, 13]) },
      { key: 'k'.repeat(5000), value: bytes('long key') },
    ];
    const positions = await appender.append(records);
    const whole = await readWhole(reader);
    for (const [i, { partition, offset }] of positions.entries()) {
      const found = whole.records.find((record) => record.partition === partition && record.offset === offset);
      expect(found?.key).toBe(records[i]!.key);
      expect(found?.value.equals(records[i]!.value)).toBe(true);
      expect(found?.timestamp).toBeGreaterThanOrEqual(before - 1000);
      expect(found?.timestamp).toBeLessThanOrEqual(Date.now() + 1000);
    }
    expect(whole.records).toHaveLength(records.length);
  },

  'chooses the partition by the key as Kafka does, or takes the one that is given': async ({ appender }) => {
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
    const byKey = await appender.append(keys.map((key) => ({ key, value: bytes('x') })));
    expect(byKey.map((position) => position.partition)).toEqual(keys.map((key) => partitionOf(key, SUITE_PARTITIONS)));
    const given = await appender.append(keys.map((key) => ({ key, partition: 2, value: bytes('x') })));
    expect(new Set(given.map((position) => position.partition))).toEqual(new Set([2]));
    const spread = await appender.append(keys.map(() => ({ value: bytes('x') })));
    expect(new Set(spread.map((position) => position.partition))).toEqual(new Set([0, 1, 2]));
  },

  'raises the offsets of a partition, in the order of the calls': async ({ appender, reader }) => {
    const calls = Array.from({ length: 40 }, (_, i) => appender.append([{ partition: 1, value: bytes(`${i}`) }]));
    const offsets = (await Promise.all(calls)).map(([position]) => position!.offset);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(new Set(offsets).size).toBe(40);
    const { records } = await readWhole(reader);
    expect(records.map(text)).toEqual(offsets.map((_, i) => `${i}`));
  },

  'resolves an append of nothing': async ({ appender }) => {
    expect(await appender.append([])).toEqual([]);
  },

  'refuses what it can not store and writes nothing of the call': async ({ appender, reader }) => {
    const good = { key: 'a', value: bytes('x') };
    await expect(appender.append([good, { partition: 3, value: bytes('') }])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    const tooLarge = { key: 'a', value: Buffer.alloc(1024 * 1024 + 1) };
    await expect(appender.append([good, tooLarge])).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    expect((await readWhole(reader)).records).toEqual([]);
  },

  'stores records of the largest size': async ({ appender, reader }) => {
    const value = Buffer.alloc(1024 * 1024, 7);
    await appender.append([
      { partition: 0, value: bytes('before') },
      { partition: 0, value },
      { partition: 0, value: bytes('after') },
    ]);
    const { records } = await readWhole(reader, { maxBytes: 1000 });
    expect(records.map((record) => record.value.length)).toEqual([6, value.length, 5]);
    expect(records[1]!.value.equals(value)).toBe(true);
  },

  'reads a partition on from where the batch before ended': async ({ appender, reader }) => {
    await appendMany(appender, 200);
    const { next, earliest: first } = await reader.bounds(1);
    const found: SeenRecord[] = [];
    let from = first;
    for (let rounds = 0; from < next && rounds < 1000; rounds++) {
      const batch = await reader.read(1, from, 20);
      expect(batch.from).toBe(from);
      expect(batch.partition).toBe(1);
      expect(batch.records.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThanOrEqual(20);
      found.push(...copyRecords(batch));
      from = batch.to;
    }
    expect(from).toBe(next);
    const whole = await readWhole(reader);
    expect(found).toEqual(partition(whole.records, 1));
    expect(found.length).toBeGreaterThan(20);
  },

  'reads from any offset, at least one record whatever its size': async ({ appender, reader }) => {
    const positions = await appender.append(
      Array.from({ length: 100 }, (_, i) => ({ partition: i % SUITE_PARTITIONS, value: bytes(`value ${i}`) })),
    );
    for (const i of [0, 50, 98]) {
      const batch = await reader.read(positions[i]!.partition, positions[i]!.offset, 1);
      expect(copyRecords(batch).map(text)).toEqual([`value ${i}`]);
    }
    const { next } = await reader.bounds(0);
    expect(await reader.read(0, next, 1000)).toMatchObject({ from: next, to: next, records: [] });
  },

  'refuses an offset that it does not have and a partition that there is not': async ({ appender, reader }) => {
    await appendMany(appender, 3);
    const { next } = await reader.bounds(0);
    await expect(reader.read(0, next + 1, 100)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await expect(reader.read(3, 0, 100)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const start = async (): Promise<number> => next + 1;
    await expect(
      reader.consume('ahead', { start, handle: async () => undefined, signal: never }),
    ).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  },

  'hands every record to a consumer once, in batches that join without a hole': async ({ appender, reader }) => {
    await appendMany(appender, 500);
    const { records, calls } = await readWhole(reader, { maxBytes: 300 });
    expect(records.map(text).toSorted()).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`).toSorted());
    const at = new Map<number, number>();
    for (const batch of calls.flat()) {
      expect(batch.from).toBe(at.get(batch.partition) ?? batch.from);
      for (const { offset } of batch.records) {
        expect(offset).toBeGreaterThanOrEqual(batch.from);
        expect(offset).toBeLessThan(batch.to);
      }
      at.set(batch.partition, batch.to);
    }
    expect(calls.length).toBeGreaterThan(3);
  },

  'gives at most the wanted bytes to one call of a consumer': async ({ appender, reader }) => {
    await appender.append(Array.from({ length: 300 }, (_, i) => ({ value: Buffer.alloc(100, i) })));
    for (const maxBytes of [50, 1000, 20_000]) {
      const { calls } = await readWhole(reader, { maxBytes });
      expect(Math.max(...calls.map(bytesOf))).toBeLessThanOrEqual(Math.max(100, maxBytes));
      expect(calls.map(bytesOf).reduce((a, b) => a + b)).toBe(30_000);
    }
  },

  'gives a consumer what is appended while it runs': async ({ appender, reader }) => {
    await appendMany(appender, 3, 'old');
    const append = (): void => void appendMany(appender, 3, 'new');
    const all = await consumeUntil(reader, 'all', 'earliest', (found) => found.length >= 6, append);
    expect(all.map(text).toSorted()).toEqual(['new0', 'new1', 'new2', 'old0', 'old1', 'old2']);
    // Again and again: where the latest is, a consumer finds out at some time after it was told to start there.
    const appending = setInterval(() => void appender.append([{ value: bytes('later') }]), 50);
    try {
      const latest = await consumeUntil(reader, 'latest', 'latest', (found) => found.length >= 3);
      expect(new Set(latest.map(text))).toEqual(new Set(['later']));
    } finally {
      clearInterval(appending);
    }
  },

  'starts each partition where it is told to': async ({ appender, reader }) => {
    const positions = await appender.append(
      Array.from({ length: 30 }, (_, i) => ({ partition: i % SUITE_PARTITIONS, value: bytes(`${i}`) })),
    );
    // Values 10, 20 and the end, in partitions 1, 2 and 0.
    const starts = [(await reader.bounds(0)).next, positions[10]!.offset, positions[20]!.offset];
    const { records } = await readWhole(reader, { start: async (asked) => starts[asked]! });
    expect(partition(records, 0)).toEqual([]);
    expect(partition(records, 1).map(text)).toEqual(['10', '13', '16', '19', '22', '25', '28']);
    expect(partition(records, 2).map(text)).toEqual(['20', '23', '26', '29']);
  },

  'ends a consumer with the error of its handle, and asks again where to start after COMMIT_GAP': async ({
    appender,
    reader,
  }) => {
    await appendMany(appender, 10);
    const failure = new Error('cannot handle this');
    const failing = reader.consume('failing', {
      start: earliest,
      handle: () => Promise.reject(failure),
      signal: never,
    });
    await expect(failing).rejects.toBe(failure);

    const stop = new AbortController();
    const asked: number[] = [];
    let calls = 0;
    const seen: SeenRecord[] = [];
    await reader.consume('gap', {
      start: async (which) => {
        asked.push(which);
        return 'earliest';
      },
      handle: async (batches) => {
        if (++calls === 1) throw new MillraceError('COMMIT_GAP', 'read again');
        seen.push(...batches.flatMap(copyRecords));
        if (seen.length >= 10) stop.abort();
      },
      signal: stop.signal,
    });
    expect(asked.toSorted((a, b) => a - b)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(seen.map(text).toSorted()).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`));
  },

  'lets a running handle finish before consume resolves': async ({ appender, reader }) => {
    await appendMany(appender, 1);
    const stop = new AbortController();
    let finished = false;
    await reader.consume('slow', {
      start: earliest,
      handle: async () => {
        stop.abort();
        await new Promise((resolve) => setTimeout(resolve, 30));
        finished = true;
      },
      signal: stop.signal,
    });
    expect(finished).toBe(true);
  },

  'serves several groups, each with one consumer at a time': async ({ appender, reader }) => {
    await appendMany(appender, 20);
    const stop = new AbortController();
    const options = { start: earliest, handle: async () => undefined, signal: stop.signal };
    const first = reader.consume('one', options);
    await expect(reader.consume('one', options)).rejects.toMatchObject({ code: 'GROUP_BUSY' });
    const { records } = await readWhole(reader, { group: 'two' });
    expect(records).toHaveLength(20);
    stop.abort();
    await first;
    expect((await readWhole(reader, { group: 'one' })).records).toHaveLength(20);
  },

  'has the same records at the same places after it was opened again': async (target) => {
    const positions = await target.appender.append(
      Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: bytes(`${i}`) })),
    );
    const before = await readWhole(target.reader);
    const again = await target.reopen();
    const more = await again.appender.append([{ partition: positions[49]!.partition, value: bytes('more') }]);
    expect(more[0]!.offset).toBeGreaterThan(positions[49]!.offset);
    const after = await readWhole(again.reader);
    expect(after.records.filter((record) => text(record) !== 'more')).toEqual(before.records);
    expect(after.records).toHaveLength(51);
  },

  'waits for running appends when it is closed, and then takes none': async (target) => {
    const running = appendMany(target.appender, 100);
    await target.appender.close();
    await running;
    await target.appender.close();
    await expect(target.appender.append([{ value: bytes('late') }])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    const again = await target.reopen();
    expect((await readWhole(again.reader)).records).toHaveLength(100);
  },

  'agrees with a model of it over random appends, reads, consumers and reopenings': checkEventLogModel,
} as const satisfies Record<string, (target: EventLogTarget) => Promise<void>>;

export type EventLogTest = keyof typeof TESTS;

/** Runs the contract of {@link EventLog} against an implementation, on {@link SUITE_PARTITIONS} partitions. */
export function describeEventLog(name: string, subject: ContractSubject<EventLogTarget, EventLogTest>): void {
  describeContract(`${name}: event log`, TESTS, subject);
}

/** Both ends of a log that has them in one object. */
export const bothEnds = (log: EventLog): OpenLog => ({ appender: log, reader: log });
