import type { DimensionSchema, PartitionChange, RollupQuery, StateEvent } from '@millrace/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { STATE_MINUTE, STATE_SCHEMA, STATE_START } from './state-events.ts';
import { StateModel } from './state-model.ts';
import type { OpenStateStore, StateStoreFixture, StateStoreOptions } from './state-store-fixture.ts';

const PARTITIONS = 3;
const KEEP = 4;
const RETENTION_MINUTES = 30;
const SECOND_MS = 1000;

const brand = fc.constantFrom('Nike', 'Puma', 'Adidas', '', 'ä');
const country = fc.constantFrom('PL', 'DE');
const product = fc.constantFrom('1', '2', '70000', '-5', '2147483647', 'x', '01', '');

/** An event without what its place in the log decides. */
const content = fc.record({
  key: fc.constantFrom('alice', 'bob'),
  kind: fc.constantFrom(0, 1),
  /** Seconds against the time of the step: sometimes late, sometimes too late, in few distinct values for ties. */
  shift: fc.oneof(fc.constantFrom(0, 1, -70, -600), fc.integer({ min: -2400, max: 120 })),
  dimensions: fc.tuple(brand, country, product),
  measures: fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(0, 5)),
  dedupeKey: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 5 }),
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      partition: fc.nat({ max: PARTITIONS - 1 }),
      contents: fc.array(content, { maxLength: 8 }),
      /** Offsets that are delivered once more, or left out. */
      back: fc.constantFrom(0, 0, 0, 2, 5, -1),
      seconds: fc.constantFrom(0, 1, 30, 700),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
);

/** Any sequence of commits, redeliveries, gaps and reopenings, compared with the model after every step. */
export function describeStateModel(fixture: StateStoreFixture, defaults: StateStoreOptions): void {
  describe('against the model', () => {
    it('answers as the model does after any sequence of steps', async () => {
      const options = {
        ...defaults,
        partitions: PARTITIONS,
        keep: KEEP,
        retentionMs: RETENTION_MINUTES * STATE_MINUTE,
      };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
          const model = new StateModel(options);
          const log = Array.from({ length: PARTITIONS }, (): StateEvent[] => []);
          let now = STATE_START;
          let store = await fixture.open(options);
          try {
            for (const one of steps) {
              if (one.type === 'reopen') {
                store = await store.reopen();
              } else {
                now += one.seconds * SECOND_MS;
                const events = one.contents.map((content, at) =>
                  place(content, one.partition, log[one.partition]!.length + at, now),
                );
                const change = changeOf(log[one.partition]!, events, one.partition, one.back);
                const expected = model.commit([change]);
                if (expected === undefined) {
                  await expect(store.writer.commit([change])).rejects.toMatchObject({ code: 'COMMIT_GAP' });
                  continue;
                }
                log[one.partition]!.push(...events);
                expect(await store.writer.commit([change])).toEqual(expected);
              }
              await compareWithModel(store, model, now);
            }
          } finally {
            await store.close();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** A key's events, and those of a dedupe key, are all in one partition: only there has their order a meaning. */
const keyIn = (key: string, partition: number): string => `${key}-${partition}`;

function place(
  { shift, dedupeKey, ...rest }: typeof content extends fc.Arbitrary<infer T> ? T : never,
  partition: number,
  offset: number,
  now: number,
): StateEvent {
  const event = { ...rest, key: keyIn(rest.key, partition), offset, time: now + shift * SECOND_MS, appendedAt: now };
  return dedupeKey === undefined ? event : { ...event, dedupeKey: keyIn(dedupeKey, partition) };
}

/** The new events after `back` old ones; a negative `back` leaves a gap. */
function changeOf(
  log: readonly StateEvent[],
  events: readonly StateEvent[],
  partition: number,
  back: number,
): PartitionChange {
  const from = Math.max(0, log.length - back);
  const to = Math.max(from, log.length + events.length);
  const delivered = [...log.slice(from), ...events].filter(({ offset }) => offset >= from);
  return { partition, from, to, events: delivered, deadLetters: [] };
}

const names = ['kind', ...STATE_SCHEMA.dimensions.map(({ name }: DimensionSchema) => name)];

function queries(now: number): RollupQuery[] {
  const end = now - (now % STATE_MINUTE) + 3 * STATE_MINUTE;
  const base = { from: end - 60 * STATE_MINUTE, to: end, where: {}, groupBy: [], limit: 1000 };
  return [
    base,
    ...names.map((name) => ({ ...base, groupBy: [name] })),
    { ...base, groupBy: ['product', 'brand'], limit: 3 },
    { ...base, where: { kind: ['BUY'], brand: ['Nike'] } },
    { ...base, where: { product: ['1'] } },
    { ...base, where: { product: ['2', 'x', '01', '', 'never'], country: ['PL'] } },
    { ...base, where: { brand: ['', 'ä', 'never'] }, groupBy: ['country'] },
  ];
}

async function compareWithModel({ writer, reader }: OpenStateStore, model: StateModel, now: number): Promise<void> {
  for (const query of queries(now)) expect(await reader.rollup(query)).toEqual(model.rollup(query));
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const keys = partitions.flatMap((partition) => [keyIn('alice', partition), keyIn('bob', partition)]);
  for (const key of [...keys, 'nobody']) {
    for (const kind of [0, 1]) {
      for (const range of [
        { from: 0, to: Infinity, limit: 100 },
        { from: now - 60_000, to: now, limit: 2 },
      ]) {
        const query = { kind, ...range };
        expect(await reader.timeline(key, query)).toEqual(model.timeline(key, query));
      }
    }
  }
  for (let partition = 0; partition < PARTITIONS; partition++) {
    expect(await writer.committed(partition)).toBe(model.committed(partition));
    expect(await reader.committed(partition)).toBe(model.committed(partition));
  }
  const { bytes: _, ...statistics } = await reader.statistics();
  const { late, duplicates, clock } = model;
  expect(statistics).toEqual({ late, duplicates, deadLetters: 0, ...(clock === undefined ? {} : { clock }) });
}
