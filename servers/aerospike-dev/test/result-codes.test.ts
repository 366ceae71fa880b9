import { startAerospikeDev } from '@millrace/aerospike-dev';
import { freePort, onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { describe, expect, it, vi } from 'vitest';
import { clientKey, codeOf, connect, patientPolicies, withClient, withNulls } from './with-client.ts';

const { operations, policy, lists } = Aerospike;

/** What a real Community Edition 8.0 answered, through the same client. What needs settings there: real-settings.test.ts */
describe('the result codes of a real server', () => {
  const subject = withClient();

  it('2: get, remove and update of a record that there is not', async () => {
    const { client, key } = subject();
    const update = new Aerospike.WritePolicy({ exists: policy.exists.UPDATE });
    expect(await codeOf(client.get(key('none')))).toBe(2);
    expect(await codeOf(client.remove(key('none')))).toBe(2);
    expect(await codeOf(client.put(key('none'), { a: 1 }, {}, update))).toBe(2);
    expect(await codeOf(client.operate(key('none'), [operations.touch(100)]))).toBe(2);
  });

  it('3: of 100 concurrent writes with one generation, one succeeds', async () => {
    const { client, key } = subject();
    await client.put(key('generation'), { a: 0 });
    const equal = new Aerospike.WritePolicy({ gen: policy.gen.EQ, totalTimeout: 20_000 });
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, a) => codeOf(client.put(key('generation'), { a }, { gen: 1 }, equal))),
    );
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    expect(codes.filter((code) => code === 3)).toHaveLength(99);
    expect((await client.get(key('generation'))).gen).toBe(2);
  });

  it('3: generation 0 means that the record must be new; a remove has its generation in the policy', async () => {
    const { client, key } = subject();
    const equal = new Aerospike.WritePolicy({ gen: policy.gen.EQ });
    expect(await codeOf(client.put(key('new'), { a: 1 }, { gen: 0 }, equal))).toBe(0);
    expect(await codeOf(client.put(key('new'), { a: 1 }, { gen: 0 }, equal))).toBe(3);
    const removal = (generation: number) => new Aerospike.RemovePolicy({ gen: policy.gen.EQ, generation });
    expect(await codeOf(client.remove(key('new'), removal(7)))).toBe(3);
    expect(await codeOf(client.remove(key('new'), removal(1)))).toBe(0);
  });

  it('4: a TTL of more than ten years, and a put without bins', async () => {
    const { client, key } = subject();
    const tenYears = 10 * 365 * 24 * 3600;
    expect(await codeOf(client.put(key('ttl'), { a: 1 }, { ttl: tenYears + 1 }))).toBe(4);
    expect(await codeOf(client.put(key('ttl'), { a: 1 }, { ttl: tenYears }))).toBe(0);
    expect(await codeOf(client.put(key('ttl'), {}))).toBe(4);
  });

  it('5: the creation of a record that there is', async () => {
    const { client, key } = subject();
    const create = new Aerospike.WritePolicy({ exists: policy.exists.CREATE });
    expect(await codeOf(client.put(key('create'), { a: 1 }, {}, create))).toBe(0);
    expect(await codeOf(client.put(key('create'), { a: 1 }, {}, create))).toBe(5);
  });

  it.runIf(onAerospikeDev)('8: a full namespace refuses writes, not reads and deletes', async () => {
    const server = await startAerospikeDev({ port: 0, maxNamespaceBytes: 100_000 });
    const client = await connect(server);
    try {
      const [first, second, third] = ['first', 'second', 'third'].map((name) => clientKey('test', 'demo', name));
      await client.put(first!, { blob: Buffer.alloc(60_000) });
      await client.put(second!, { blob: Buffer.alloc(60_000) });
      expect(await codeOf(client.put(third!, { a: 1 }))).toBe(8);
      expect(await codeOf(client.get(first!))).toBe(0);
      expect(await codeOf(client.remove(first!))).toBe(0);
      expect(await codeOf(client.put(third!, { a: 1 }))).toBe(0);
    } finally {
      client.close(false);
      await server.stop();
    }
  });

  it('12: an operation on a bin of another type', async () => {
    const { client, key } = subject();
    await client.put(key('type'), { text: 'a', n: 1 });
    expect(await codeOf(client.operate(key('type'), [operations.incr('text', 1)]))).toBe(12);
    expect(await codeOf(client.operate(key('type'), [operations.append('n', 'a')]))).toBe(12);
    expect(await codeOf(client.operate(key('type'), [lists.append('text', 1)]))).toBe(12);
    expect((await client.get(key('type'))).gen).toBe(1);
  });

  it('13: a record of more than a mebibyte: the largest blob that fits has 1,048,524 bytes', async () => {
    const { client, namespace } = subject();
    const key = clientKey(namespace, 'demo', 'big');
    const write = new Aerospike.WritePolicy({ totalTimeout: 20_000 });
    const put = (length: number) => client.put(key, { b: Buffer.alloc(length) }, {}, write);
    expect(await codeOf(put(1_048_524))).toBe(0);
    expect(await codeOf(put(1_048_525))).toBe(13);
  });

  it('20: a namespace that there is not; in a batch it is the status of a row', async () => {
    const { client, key, set } = subject();
    await client.put(key('there'), { a: 1 });
    expect(await codeOf(client.get(clientKey('nowhere', set, 'a')))).toBe(20);
    const rows = [key('there'), clientKey('nowhere', set, 'a')].map((each) => ({ key: each, readAllBins: true }));
    expect((await client.batchRead(rows)).map(({ status }) => status)).toEqual([0, 20]);
  });

  it.runIf(onAerospikeDev)('22: a TTL while nothing removes expired records', async () => {
    const server = await startAerospikeDev({ port: 0, nsupPeriodMs: 0 });
    const allowing = await startAerospikeDev({ port: 0, nsupPeriodMs: 0, allowTtlWithoutNsup: true });
    const [client, allowed] = [await connect(server), await connect(allowing)];
    try {
      const key = clientKey('test', 'demo', 'a');
      expect(await codeOf(client.put(key, { a: 1 }, { ttl: 100 }))).toBe(22);
      expect(await codeOf(client.put(key, { a: 1 }, { ttl: Aerospike.ttl.NEVER_EXPIRE }))).toBe(0);
      expect(await codeOf(client.put(key, { a: 1 }))).toBe(0);
      expect(await codeOf(allowed.put(key, { a: 1 }, { ttl: 100 }))).toBe(0);
    } finally {
      client.close(false);
      allowed.close(false);
      await Promise.all([server.stop(), allowing.stop()]);
    }
  });

  it('25: a durable delete needs Enterprise Edition', async () => {
    const { client, key } = subject();
    await client.put(key('durable'), { a: 1 });
    expect(await codeOf(client.remove(key('durable'), new Aerospike.RemovePolicy({ durableDelete: true })))).toBe(25);
    expect(await client.exists(key('durable'))).toBe(true);
  });

  it('26: an index outside of a list', async () => {
    const { client, key } = subject();
    await client.put(key('list'), { list: [1, 2] });
    expect(await codeOf(client.operate(key('list'), [lists.get('list', 2)]))).toBe(26);
  });

  it('27: a filter expression that is false', async () => {
    const { client, key } = subject();
    await client.put(key('filter'), { a: 1 });
    const { exp } = Aerospike;
    const filterExpression = exp.gt(exp.binInt('a'), exp.int(1));
    expect(await codeOf(client.get(key('filter'), new Aerospike.ReadPolicy({ filterExpression })))).toBe(27);
    expect(await codeOf(client.remove(key('filter'), new Aerospike.RemovePolicy({ filterExpression })))).toBe(27);
  });

  it('-1: another cluster name; -10: nobody listens', async () => {
    const { hosts } = subject();
    expect(await codeOf(connect({ hosts }, { clusterName: 'another' }))).toBe(-1);
    expect(await codeOf(connect({ hosts: `127.0.0.1:${await freePort()}` }))).toBe(-10);
  });

  it.runIf(onAerospikeDev)('-1: a node that has not finished its start', async () => {
    const [slow, quick] = await Promise.all(
      [3_600_000, 1500].map((initialisingMs) => startAerospikeDev({ port: 0, initialisingMs })),
    );
    try {
      expect(await codeOf(connect(slow!))).toBe(-1);
      const client = await vi.waitFor(() => connect(quick!), { timeout: 60_000, interval: 200 });
      client.close(false);
    } finally {
      await Promise.all([slow!.stop(), quick!.stop()]);
    }
  });

  it('-2: bin names and numbers that the client refuses', async () => {
    const { client, key } = subject();
    expect(await codeOf(client.put(key('a'), { sixteencharacter: 1 }))).toBe(-2);
    expect(await codeOf(client.put(key('a'), { a: 2n ** 63n }))).toBe(-2);
    expect(await codeOf(client.put(key('a'), withNulls({ a: undefined })))).toBe(-2);
  });

  it('-6: a put of 200 MiB ends the connection', async () => {
    const { client, key } = subject();
    const write = new Aerospike.WritePolicy({ totalTimeout: 20_000, maxRetries: 0 });
    expect(await codeOf(client.put(key('huge'), { b: Buffer.alloc(200 * 1024 * 1024) }, {}, write))).toBe(-6);
  });

  it('-7: more commands in flight than connections', async () => {
    const { hosts, key } = subject();
    const client = await connect({ hosts }, { maxConnsPerNode: 100, policies: patientPolicies()! });
    try {
      const codes = await Promise.all(Array.from({ length: 101 }, (_, a) => codeOf(client.put(key(a), { a }))));
      expect(codes.filter((code) => code === 0)).toHaveLength(100);
      expect(codes.filter((code) => code === -7)).toHaveLength(1);
    } finally {
      client.close(false);
    }
  });
});
