import Aerospike from 'aerospike';
import { describe, expect, it, vi } from 'vitest';
import { fill } from './people.ts';
import { clientKey, codeOf, infoOf, withClient } from './with-client.ts';

const { DONT_UPDATE, NAMESPACE_DEFAULT, NEVER_EXPIRE } = Aerospike.ttl;

/** The server removes expired records now and then, and truncates in the background. */
const seen = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 100 });

describe('the lives of records', () => {
  const subject = withClient();

  const ttlOf = async (name: string) => (await subject().client.get(subject().key(name))).ttl;
  /** One statistic of a set; undefined for a set that there is not. */
  const statistic = async (set: string, name: string): Promise<number | undefined> => {
    const line = await infoOf(subject().client, `sets/${subject().namespace}/${set}`);
    const text = new RegExp(`(?:^|:)${name}=(\\d+)`).exec(line)?.[1];
    return text === undefined ? undefined : Number(text);
  };

  it('a write without a TTL resets it to the default of the namespace', async () => {
    const { client, key } = subject();
    await client.put(key('reset'), { a: 1 }, { ttl: 1000 });
    expect(await ttlOf('reset')).toBeGreaterThan(990);
    await client.put(key('reset'), { a: 2 });
    expect(await ttlOf('reset')).toBe(NEVER_EXPIRE);
    await client.put(key('reset'), { a: 1 }, { ttl: 1000 });
    await client.operate(key('reset'), [Aerospike.operations.incr('a', 1)]);
    expect(await ttlOf('reset')).toBe(NEVER_EXPIRE);
  });

  it('TTL -2 keeps the TTL, -1 is for ever, 0 is the default of the namespace', async () => {
    const { client, key } = subject();
    expect([DONT_UPDATE, NEVER_EXPIRE, NAMESPACE_DEFAULT]).toEqual([-2, -1, 0]);
    await client.put(key('special'), { a: 1 }, { ttl: 1000 });
    await client.put(key('special'), { a: 2 }, { ttl: DONT_UPDATE });
    expect(await ttlOf('special')).toBeGreaterThan(990);
    await client.put(key('special'), { a: 3 }, { ttl: NEVER_EXPIRE });
    expect(await ttlOf('special')).toBe(NEVER_EXPIRE);
    await client.put(key('special'), { a: 4 }, { ttl: 1000 });
    await client.put(key('special'), { a: 5 }, { ttl: NAMESPACE_DEFAULT });
    expect(await ttlOf('special')).toBe(NEVER_EXPIRE);
    await client.put(key('special-new'), { a: 1 }, { ttl: DONT_UPDATE });
    expect(await ttlOf('special-new')).toBe(NEVER_EXPIRE);
  });

  it('a TTL in the policy counts for nothing', async () => {
    const { client, key } = subject();
    const withTtl = { totalTimeout: 20_000, ttl: 1000 };
    await client.put(key('policy'), { a: 1 }, {}, new Aerospike.WritePolicy(withTtl));
    expect(await ttlOf('policy')).toBe(NEVER_EXPIRE);
  });

  it('a touch gives the record another TTL and generation', async () => {
    const { client, key } = subject();
    await client.put(key('touch'), { a: 1 });
    await client.operate(key('touch'), [Aerospike.operations.touch(500)], { ttl: 500 });
    const { ttl, gen, bins } = await client.get(key('touch'));
    expect(ttl).toBeGreaterThan(490);
    expect({ gen, bins }).toEqual({ gen: 2, bins: { a: 1 } });
  });

  it('an expired record is gone: from reads, scans, indexes and memory', async () => {
    const { client, namespace, set: own } = subject();
    const set = await fill(subject(), 'mortal');
    const index = `${own}-mortal`;
    const job = await client.createIndex({
      ns: namespace,
      set,
      bin: 'n',
      index,
      datatype: Aerospike.indexDataType.NUMERIC,
    });
    await job.waitUntilDone();
    const bytesBefore = (await statistic(set, 'data_used_bytes'))!;
    const key = clientKey(namespace, set, 'mortal');
    await client.put(key, { n: 1000, blob: Buffer.alloc(100_000) }, { ttl: 1000 });
    expect(await statistic(set, 'objects')).toBe(51);
    expect(await statistic(set, 'data_used_bytes')).toBeGreaterThan(bytesBefore + 100_000);

    await client.operate(key, [Aerospike.operations.touch(1)], { ttl: 1 });
    await seen(async () => expect(await statistic(set, 'objects')).toBe(50));
    await seen(async () => expect(await statistic(set, 'data_used_bytes')).toBe(bytesBefore));
    expect(await client.exists(key)).toBe(false);
    expect(await codeOf(client.put(key, { n: 1 }, { gen: 0 }))).toBe(0);
    expect((await client.get(key)).gen).toBe(1);
    const filters = [Aerospike.filter.equal('n', 1000)];
    expect(await client.query(namespace, set, { filters }).results()).toEqual([]);
    expect(await client.scan(namespace, set).results()).toHaveLength(51);
    await client.indexRemove(namespace, index);
  });

  it('truncates a set and leaves the others', async () => {
    const { client, namespace } = subject();
    const [gone, stays] = [await fill(subject(), 'gone'), await fill(subject(), 'stays')];
    await client.truncate(namespace, gone, 0);
    await seen(async () => expect(await client.scan(namespace, gone).results()).toEqual([]));
    expect(await client.scan(namespace, stays).results()).toHaveLength(50);
    expect(await statistic(stays, 'objects')).toBe(50);
    await client.put(clientKey(namespace, gone, 'after'), { n: 1 });
    expect(await client.scan(namespace, gone).results()).toHaveLength(1);
  });

  it('truncates what was written before a time', async () => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'before');
    // The time of a record counts milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const between = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await client.put(clientKey(namespace, set, 0), { n: 0, later: true });
    await client.put(clientKey(namespace, set, 'new'), { n: 100 });
    await client.truncate(namespace, set, between * 1_000_000);
    await seen(async () => expect(await client.scan(namespace, set).results()).toHaveLength(2));
    const left = await client.scan(namespace, set).results();
    expect(left.map(({ bins }) => bins['n']).toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 100]);
  });

  it('refuses to truncate what is yet to come', async () => {
    const { client, namespace, set } = subject();
    const tomorrow = (Date.now() + 24 * 3600 * 1000) * 1_000_000;
    expect(await codeOf(client.truncate(namespace, set, tomorrow))).not.toBe(0);
  });
});
