import { openPublisher, type JsonValue, type Publisher } from '@millrace/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openAerospikeRecords, type RecordReader } from '../../src/index.ts';
import { withNamespace, withSet } from '../servers.ts';

const url = withNamespace();
let publisher: Publisher;
let records: RecordReader;

beforeAll(async () => {
  const place = withSet(url());
  publisher = await openPublisher(place);
  records = await openAerospikeRecords(place);
});
afterAll(async () => {
  await publisher.close();
  await records.close();
});

const refusalOf = (value: unknown): Promise<unknown> =>
  publisher.publish({ key: 'refused', value: value as JsonValue }).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('values', () => {
  it('come back as they were', async () => {
    const value = {
      text: 'żółw 😀\n"',
      empty: '',
      integer: -(2 ** 53 - 1),
      double: 23.5,
      tiny: 5e-324,
      yes: true,
      no: false,
      list: [1, null, 'a', [], {}, 1e300 / 3e299],
      map: { a: { b: [null] }, '': 1, '1': 2 },
      fifteen_bytes_x: 1,
    };
    await publisher.publish({ key: 'all', value });
    expect((await records.get('all'))?.bins).toEqual(value);
  });

  it('come back as they were, or are refused with the name of their field: any JSON', async () => {
    let stored = 0;
    for (const value of fc.sample(fc.jsonValue(), { numRuns: 200, seed: 1 })) {
      const refusal = (await refusalOf({ value })) as { code: string; details: { field: string } } | undefined;
      if (refusal !== undefined) {
        expect(refusal).toMatchObject({
          code: 'INVALID_ARGUMENT',
          details: { field: expect.stringMatching(/^value/) },
        });
        continue;
      }
      stored++;
      expect((await records.get('refused'))?.bins['value'] ?? null).toEqual(value);
      await publisher.publish({ key: 'refused', value: { value: null, other: 1 } });
    }
    expect(stored).toBeGreaterThan(100);
  });

  it('keeps bytes', async () => {
    await publisher.publish({ key: 'bytes', value: { blob: Buffer.from([0, 1, 255]) as unknown as JsonValue } });
    expect((await records.get('bytes'))?.bins).toEqual({ blob: Buffer.from([0, 1, 255]) });
  });

  it('removes a bin whose value is null', async () => {
    await publisher.publish({ key: 'null', value: { a: 1, b: 2 } });
    await publisher.publish({ key: 'null', value: { a: null } });
    expect((await records.get('null'))?.bins).toEqual({ b: 2 });
    await publisher.publish({ key: 'not there', value: { a: null } });
    expect(await records.get('not there')).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a date', { at: new Date() }, 'at'],
    ['a function', { call: () => 1 }, 'call'],
    ['a set', { tags: new Set([1]) }, 'tags'],
    ['a map with keys of any type', { map: new Map([[1, 2]]) }, 'map'],
    ['an instance of a class', { url: new URL('http://a') }, 'url'],
    ['undefined', { gone: undefined }, 'gone'],
    ['undefined in an array', { list: [1, undefined] }, 'list[1]'],
    ['undefined in a map', { map: { deep: { gone: undefined } } }, 'map.deep.gone'],
    ['a bigint', { big: 1n }, 'big'],
    ['a symbol', { sign: Symbol('x') }, 'sign'],
    ['an integer above 2^53', { big: 2 ** 53 }, 'big'],
    ['a zero with a sign', { zero: -0 }, 'zero'],
    ['a zero with a sign in a map', { map: { list: [0, -0] } }, 'map.list[1]'],
    ['NaN', { x: Number.NaN }, 'x'],
    ['infinity', { x: [{ y: Infinity }] }, 'x[0].y'],
    ['NUL in a text', { text: 'a\0b' }, 'text'],
    ['half of a surrogate pair', { text: '\ud800' }, 'text'],
    ['NUL in a key of a map', { map: { 'a\0': 1 } }, 'map'],
    ['a name of 16 bytes', { fifteen_bytes_xy: 1 }, 'fifteen_bytes_xy'],
    ['a name of 15 characters and more bytes', { zażółć_gęślą_ja: 1 }, 'zażółć_gęślą_ja'],
    ['an empty name', { '': 1 }, ''],
    ['a name that the client loses', JSON.parse('{"__proto__":{"a":1},"b":1}'), '__proto__'],
    ['a key of a map that the client loses', JSON.parse('{"map":{"__proto__":{"a":1}}}'), 'map'],
    ['no field', {}, 'value'],
    ['a text', 'text', 'value'],
    ['an array', [1], 'value'],
  ])('refuses %s and names the field', async (_, value, field) => {
    expect(await refusalOf(value)).toMatchObject({ code: 'INVALID_ARGUMENT', details: { field } });
  });

  it('refuses what contains itself', async () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(await refusalOf({ loop })).toMatchObject({ code: 'INVALID_ARGUMENT', details: { field: 'loop' } });
  });
});
