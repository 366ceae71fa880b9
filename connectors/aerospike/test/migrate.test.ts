import { startAerospikeDev } from '@millrace/aerospike-dev';
import type { MillraceError } from '@millrace/core';
import Aerospike from 'aerospike';
import snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';

import { openAerospikeV1, readV1Profile, readV1Totals, v1Place } from '../src/index.ts';

const block = (value: unknown): Buffer => Buffer.from(snappy.compress(Buffer.from(JSON.stringify(value))));

/** For the busiest machine. */
const PATIENT = { totalTimeout: 60_000, socketTimeout: 60_000 };
const PATIENT_QUERY = 'total_timeout=60s&socket_timeout=60s';

/** In no set, as the original writes. */
const key = (namespace: string, name: string) => new Aerospike.Key(namespace, undefined, name) as never;

const tag = (cookie: string, action: string, price: number): unknown => ({
  time: '2022-03-22T12:25:00.000Z',
  cookie,
  country: 'PL',
  device: 'PC',
  action,
  origin: 'o',
  product_info: { product_id: 1, brand_id: 'Nike', category_id: 'c', price },
});

describe('the layout of the original platform', () => {
  it.each([
    [1_647_950_400, [1, 2, 10, 30, 45, 60, 90], 1_647_950_400, '0'],
    [1_647_951_900, [1], 1_647_951_900, '0'],
    [1_647_951_900, [2], 1_647_951_120, '13'],
    [1_647_951_900, [10], 1_647_950_520, '23'],
    [1_647_951_900, [30, 45, 60, 90], 1_647_950_400, '25'],
    [1_647_953_940, [1], 1_647_953_940, '0'],
    [1_647_953_940, [2], 1_647_952_140, '30'],
    [1_647_953_940, [10], 1_647_950_700, '54'],
    [1_647_953_940, [30, 45], 1_647_950_460, '58'],
    [1_647_953_940, [60, 61], 1_647_950_400, '59'],
    [1_646_093_100, [1], 1_646_093_100, '0'],
    [1_646_093_100, [2], 1_646_092_920, '3'],
    [1_646_093_100, [10, 30, 60], 1_646_092_800, '5'],
  ])('keeps the minute %d with %j minutes per key at %d / %s', (minute, perKey, keySeconds, bin) => {
    for (const count of perKey) expect(v1Place(minute, count), String(count)).toEqual({ keySeconds, bin });
  });

  it('reads raw blocks of Snappy, and no damage', () => {
    const bytes = Buffer.from('0c2c5b302c302c312c313530305d', 'hex');
    expect(readV1Totals(bytes)).toEqual({ views: 0, viewsPrice: 0, buys: 1, buysPrice: 1500 });
    expect(readV1Totals(bytes.subarray(0, 8))).toBeUndefined();
    expect(readV1Profile(bytes)).toBeUndefined();
    expect(readV1Profile('text')).toBeUndefined();
  });

  it('is read from a namespace without sets, partition by partition', async () => {
    const server = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
    const client = await Aerospike.connect({
      hosts: server.hosts,
      policies: { write: new Aerospike.WritePolicy(PATIENT) },
    });
    for (let n = 0; n < 500; n++) {
      const cookie = `cookie ${n} ł`;
      const profile = { cookie, views: [tag(cookie, 'VIEW', n)], buys: n % 5 === 0 ? [tag(cookie, 'BUY', 1)] : [] };
      await client.put(key('profiles', cookie), { profile: block(profile) });
    }
    // The new state may lie in sets of the same namespace.
    await client.put({ ns: 'profiles', set: 'millrace-timelines', key: 'x' }, { t0: Buffer.from('x') });
    await client.put(key('profiles', 'damaged'), { profile: Buffer.from('no block') });
    const views = [tag('mixed', 'VIEW', 1), { ...(tag('mixed', 'VIEW', 2) as object), product_info: undefined }, null];
    await client.put(key('profiles', 'mixed'), { profile: block({ cookie: 'mixed', views, buys: [] }) });
    await client.put(key('aggregates', '[1647954000,0,0,0]'), { 0: Buffer.from('no block') });
    await client.put(key('aggregates', '[1647950400,0,0,0]'), { 25: block([510, 5, 100, 7]) });
    client.close();
    const options = { bin: 'profile', aggregatesNamespace: 'aggregates', bucketsPerKey: 60 };
    const v1 = await openAerospikeV1(`aerospike://${server.hosts}/profiles?${PATIENT_QUERY}`, options);
    const cookies = new Set<string>();
    const problems: MillraceError[] = [];
    let unreadable = 0;
    let damagedTags = 0;
    let next = 0;
    for await (const step of v1.profiles(0)) {
      for (const { cookie } of step.profiles) cookies.add(cookie);
      unreadable += step.unreadable;
      damagedTags += step.damagedTags;
      problems.push(...step.problems);
      next = step.next;
    }
    expect([cookies.size, unreadable, damagedTags, next]).toEqual([501, 1, 2, 4096]);
    expect(problems.map(({ code }) => code)).toEqual(['RECORD_UNREADABLE', 'RECORD_UNREADABLE', 'RECORD_UNREADABLE']);
    const texts = problems.map(({ message }) => message).join('\n');
    expect(texts).toMatch(/the bin "profile" of the record digest [0-9a-f]{40} in profiles .*: it holds no profile/);
    expect(texts).toContain('of the record mixed in profiles cannot be moved whole: views[1]: its product_info.price');
    expect(texts).toContain('views[2]: it is no object');
    const sum = await v1.totals([1_647_951_900, 1_647_951_960, 1_647_954_000]);
    expect(sum.totals).toEqual({ views: 510, viewsPrice: 5, buys: 100, buysPrice: 7 });
    expect(sum.problems).toMatchObject([{ code: 'RECORD_UNREADABLE', details: { value: '[1647954000,0,0,0]' } }]);
    await expect(
      openAerospikeV1(`aerospike://${server.hosts}/profiles`, { ...options, aggregatesNamespace: 'agregates' }),
    ).rejects.toMatchObject({ code: 'REFUSED', details: { value: 'agregates' } });
    v1.close();
    await server.stop();
  });
});
