import type { PartitionChange, RollupQuery } from '@millrace/core';
import {
  type RedisServer,
  redisCommand,
  serverAvailable,
  startRedis,
  STATE_MINUTE,
  STATE_SCHEMA,
  STATE_START,
  stateChange,
  stateEvent,
  StateModel,
} from '@millrace/testkit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openBoth, prefixed } from './fixture.ts';

const MINUTES = 300;
const options = { schema: STATE_SCHEMA, partitions: 2, keep: 5, retentionMs: 1000 * STATE_MINUTE };

const event = fc.record({
  key: fc.constantFrom('alice', 'bob'),
  kind: fc.constantFrom(0, 1),
  minute: fc.oneof(fc.constantFrom(0, 1, 2), fc.nat({ max: MINUTES - 1 })),
  dimensions: fc.tuple(
    fc.constantFrom('Nike', 'Puma', 'Adidas', 'Umbro', ''),
    fc.constantFrom('PL', 'DE', 'FR'),
    fc.constantFrom('1', '300', '70000', '-5', 'x', '01'),
  ),
  measures: fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.nat({ max: 300 })),
});

const QUERIES: RollupQuery[] = [STATE_START + 10 * STATE_MINUTE, STATE_START + MINUTES * STATE_MINUTE].flatMap((to) => {
  const base = { from: STATE_START, to, where: {}, groupBy: [], limit: 1000 };
  return [
    base,
    { ...base, where: { brand: ['Umbro'], kind: ['BUY'] } },
    { ...base, where: { country: ['PL', 'FR'] }, groupBy: ['brand'] },
    { ...base, groupBy: ['product'] },
  ];
});

describe.skipIf(!serverAvailable('redis'))('a reader that stays open', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  // With so little memory that minutes are let go again and again, and with enough for all.
  it.each(['1KiB', '64MiB'])('answers as the model does after every commit, caching %s', async (cache) => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 1 }), fc.array(event, { minLength: 1, maxLength: 6 })), {
      minLength: 1,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (commits) => {
        const model = new StateModel(options);
        const store = await openBoth(`${prefixed(server.url)}&cache=${cache}`, { ...options, dictionaryLimit: 3 });
        const next = [0, 0];
        try {
          for (const [partition, contents] of commits) {
            const from = next[partition]!;
            const events = contents.map(({ minute, key, ...rest }, at) =>
              stateEvent(from + at, {
                ...rest,
                key: `${key}-${partition}`,
                time: STATE_START + minute * STATE_MINUTE,
              }),
            );
            const change: PartitionChange = stateChange(events, { partition });
            expect(await store.writer.commit([change])).toEqual(model.commit([change]));
            next[partition] = change.to;
            // Side by side, as a frontend asks them.
            const answers = await Promise.all(QUERIES.map((query) => store.reader.rollup(query)));
            expect(answers).toEqual(QUERIES.map((query) => model.rollup(query)));
            const query = { kind: 0, from: 0, to: Infinity, limit: 100 };
            for (const key of ['alice-0', 'bob-1']) {
              expect(await store.reader.timeline(key, query)).toEqual(model.timeline(key, query));
            }
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: 15 },
    );
  });

  it('finds the newest events in timelines that are trimmed, whose length stays bounded', async () => {
    const model = new StateModel(options);
    const url = prefixed(server.url);
    const store = await openBoth(url, options);
    const EVENTS = 600;
    for (let from = 0; from < EVENTS; from += 20) {
      const events = Array.from({ length: 20 }, (_, at) =>
        stateEvent(from + at, {
          kind: at % 3 === 0 ? 1 : 0,
          time: (from * 7919 + at * 104_729) % 1000,
          measures: [from, at],
        }),
      );
      await store.writer.commit([stateChange(events)]);
      model.commit([stateChange(events)]);
      for (const kind of [0, 1]) {
        const query = { kind, from: 0, to: Infinity, limit: 100 };
        expect(await store.reader.timeline('alice', query)).toEqual(model.timeline('alice', query));
      }
    }
    await store.close();
    const prefix = new URL(url).searchParams.get('prefix');
    const length = Number(await redisCommand(server, 'STRLEN', `${prefix}:{p0}:t:alice`));
    // Ten events are kept, 20 come per commit, and one has less than 20 bytes.
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(50 * 20);
  });
});
