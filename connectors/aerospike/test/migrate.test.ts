import { startAerospikeDev } from '@millrace/aerospike-dev';
import Aerospike from 'aerospike';
import snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';

import { openAerospikeV1, readV1Profile, readV1Totals, v1Place } from '../src/index.ts';

const block = (value: unknown): Buffer => Buffer.from(snappy.compress(Buffer.from(JSON.stringify(value))));

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
    const client = await Aerospike.connect({ hosts: server.hosts });
    for (let n = 0; n < 500; n++) {
      const cookie = `cookie ${n} ł`;
      const profile = { cookie, views: [tag(cookie, 'VIEW', n)], buys: n % 5 === 0 ? [tag(cookie, 'BUY', 1)] : [] };
      await client.put(key('profiles', cookie), { profile: block(profile) });
    }
    await client.put(key('profiles', 'damaged'), { profile: Buffer.from('no block') });
    await client.put(key('aggregates', '[1647950400,0,0,0]'), { 25: block([510, 5, 100, 7]) });
    client.close();
    const v1 = await openAerospikeV1(`aerospike://${server.hosts}/profiles`, { bin: 'profile' });
    const cookies = new Set<string>();
    let unreadable = 0;
    let next = 0;
    for await (const step of v1.profiles(0)) {
      for (const { cookie } of step.profiles) cookies.add(cookie);
      unreadable += step.unreadable;
      next = step.next;
    }
    expect([cookies.size, unreadable, next]).toEqual([500, 1, 4096]);
    const totals = await v1.totals([1_647_951_900, 1_647_951_960], 'aggregates', 60);
    expect(totals).toEqual({ views: 510, viewsPrice: 5, buys: 100, buysPrice: 7 });
    v1.close();
    await server.stop();
  });
});
