import { openPublisher, type Publisher } from '@millrace/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openAerospikeRecords, type RecordReader, splitRecord } from '../src/index.ts';
import { listOf } from './list-of.ts';
import { withNamespace, withSet } from './servers.ts';

const url = withNamespace();

describe('reading records', () => {
  let place: string;
  let publisher: Publisher;
  let records: RecordReader;
  beforeAll(async () => {
    place = withSet(url());
    publisher = await openPublisher(place);
    records = await openAerospikeRecords(place);
    const all = Array.from({ length: 2500 }, (_, n) =>
      publisher.publish({ key: `k${n}`, value: { n, double: n + 0.5, name: `name ${n % 10}` } }),
    );
    await Promise.all(all);
  });
  afterAll(async () => {
    await publisher.close();
    await records.close();
  });

  it('gives one with its generation and the bins that were asked for', async () => {
    expect(await records.get('k7')).toEqual({
      key: expect.toSatisfy((key) => key === undefined || key === 'k7'),
      generation: 1,
      ttlSeconds: undefined,
      bins: { n: 7, double: 7.5, name: 'name 7' },
    });
    expect((await records.get('k7', { bins: ['n', 'missing'] }))?.bins).toMatchObject({ n: 7 });
    expect(await records.get('missing')).toBeUndefined();
    expect(await records.get('k7', { set: 'another' })).toBeUndefined();
  });

  it('gives many in the order of their keys', async () => {
    const keys = Array.from({ length: 2100 }, (_, n) => `k${3 * n}`);
    const found = await records.getMany(keys, { bins: ['n'] });
    expect(found.map((record) => record?.bins['n'])).toEqual(
      Array.from({ length: 2100 }, (_, n) => (3 * n < 2500 ? 3 * n : undefined)),
    );
  });

  it('scans page by page', async () => {
    const numbers = (await listOf(records.scan({ bins: ['n'] }))).map(({ bins }) => Number(bins['n']));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2500 }, (_, n) => n));
  });

  it('queries by an index, which may exist already', async () => {
    const set = place.split('?')[0]!.split('/').at(-1)!;
    for (let time = 0; time < 2; time++) {
      await records.createIndex({ bin: 'n', name: `n_${set}`, type: 'integer' });
      await records.createIndex({ bin: 'name', name: `m_${set}`, type: 'string' });
    }
    const between = await listOf(records.query({ bin: 'n', between: [20, 25] }));
    expect(between.map(({ bins }) => Number(bins['n'])).toSorted((a, b) => a - b)).toEqual([20, 21, 22, 23, 24, 25]);
    expect(await listOf(records.query({ bin: 'name', equals: 'name 3' }))).toHaveLength(250);
  });

  it('ends with CANCELLED when its signal says so', async () => {
    const signal = AbortSignal.abort();
    await expect(records.get('k1', { signal })).rejects.toMatchObject({ code: 'CANCELLED' });
    const controller = new AbortController();
    const reading = (async () => {
      let count = 0;
      for await (const _ of records.scan({ signal: controller.signal })) if (++count === 10) controller.abort();
      return count;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('refuses keys and sets that there cannot be', async () => {
    await expect(records.get('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(records.get('k', { set: 's'.repeat(64) })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('is closed after close', async () => {
    const own = await openAerospikeRecords(place);
    await own.close();
    await own.close();
    await expect(own.get('k1')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });
});

describe('splitRecord', () => {
  it('names parts by their offsets', () => {
    const parts = splitRecord('data', 'x'.repeat(2_000_000));
    expect(parts.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, n) => `data_chunk_${n * 100_000}`));
    expect(parts[3]).toEqual({ key: 'data_chunk_300000', value: { chunk_id: 300_000, data: 'x'.repeat(100_000) } });
  });

  it('gives parts that make the text again, none too long, none with half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 2, max: 5 }), (text, partLength) => {
        const parts = splitRecord('k', text, { partLength, bin: 'text' }).map(({ value }) => String(value['text']));
        expect(parts.join('')).toBe(text);
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(partLength);
          expect(part.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it('refuses parts of nothing', () => {
    expect(() => splitRecord('k', 'text', { partLength: 1 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
