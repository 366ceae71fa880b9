import type { Position } from '@millrace/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';

import type { EventLogTarget, OpenLog } from './event-log-target.ts';
import { copyRecords, readWhole, type SeenRecord } from './read-whole.ts';

interface ModelRecord extends Position {
  readonly key: string | undefined;
  readonly value: Buffer;
}

const record = fc.record({
  key: fc.option(fc.string({ maxLength: 12, unit: 'grapheme' }), { nil: undefined }),
  partition: fc.option(fc.constantFrom(0, 1, 2), { nil: undefined }),
  size: fc.oneof({ weight: 9, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(9000) }),
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ append: fc.array(fc.array(record, { maxLength: 8 }), { maxLength: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ read: fc.constantFrom(0, 1, 2), at: fc.nat(), maxBytes: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ consume: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.constant({ reopen: true }) },
);

/** One log lives through all sequences of steps: what an earlier one left behind must not confuse the next. */
export async function checkEventLogModel(target: EventLogTarget): Promise<void> {
  let log: OpenLog = target;
  const model: ModelRecord[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      for (const action of steps) {
        if ('append' in action) await append(log, model, action.append);
        else if ('read' in action) await read(log, model, action);
        else if ('consume' in action) await consume(log, model, action.consume);
        else log = await target.reopen();
      }
    }),
    { numRuns: 25 },
  );
  await consume(log, model, 4096);
}

type AppendCall = readonly {
  readonly key: string | undefined;
  readonly partition: number | undefined;
  readonly size: number;
}[];

async function append(log: OpenLog, model: ModelRecord[], calls: readonly AppendCall[]): Promise<void> {
  const given = calls.map((call, c) =>
    call.map(({ key, partition, size }, r) => ({
      ...(key === undefined ? {} : { key }),
      ...(partition === undefined ? {} : { partition }),
      value: Buffer.alloc(size, 31 * c + r),
    })),
  );
  const answers = await Promise.all(given.map((records) => log.appender.append(records)));
  for (const [c, positions] of answers.entries()) {
    expect(positions).toHaveLength(given[c]!.length);
    for (const [r, position] of positions.entries()) {
      const { key, value } = { key: undefined, ...given[c]![r]! };
      model.push({ ...position, key, value });
    }
  }
}

async function read(
  log: OpenLog,
  model: readonly ModelRecord[],
  { read: partition, at, maxBytes }: { readonly read: number; readonly at: number; readonly maxBytes: number },
): Promise<void> {
  const { earliest, next } = await log.reader.bounds(partition);
  const from = earliest + (at % (next - earliest + 1));
  const batch = await log.reader.read(partition, from, maxBytes);
  expect(batch.from).toBe(from);
  expectRecords(copyRecords(batch), inPartition(model, partition, from, batch.to));
  if (inPartition(model, partition, from, next).length > 0) expect(batch.records.length).toBeGreaterThan(0);
}

async function consume(log: OpenLog, model: readonly ModelRecord[], maxBytes: number): Promise<void> {
  const { records } = await readWhole(log.reader, { maxBytes });
  for (let partition = 0; partition < log.reader.partitions; partition++) {
    const found = records.filter((candidate) => candidate.partition === partition);
    expectRecords(found, inPartition(model, partition, 0, Infinity));
  }
}

/** The model of a partition is an array in the order of its offsets, which are those that `append` answered. */
const inPartition = (model: readonly ModelRecord[], partition: number, from: number, to: number): ModelRecord[] =>
  model
    .filter((candidate) => candidate.partition === partition && candidate.offset >= from && candidate.offset < to)
    .toSorted((a, b) => a.offset - b.offset);

function expectRecords(found: readonly SeenRecord[], expected: readonly ModelRecord[]): void {
  expect(found.map(({ offset, key }) => [offset, key])).toEqual(expected.map(({ offset, key }) => [offset, key]));
  for (const [i, { value }] of expected.entries()) expect(found[i]!.value.equals(value)).toBe(true);
}
