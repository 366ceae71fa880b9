import Aerospike from 'aerospike';
import { describe, expect, it } from 'vitest';
import { clientKey, codeOf, withClient, withNulls } from './with-client.ts';

const { operations } = Aerospike;

describe('records through the official client', () => {
  const subject = withClient();

  it('reads back every type of value that was put', async () => {
    const { client, key } = subject();
    const bins = {
      integer: -5,
      big: 2n ** 62n,
      double: 1.5,
      text: 'żółw',
      blob: Buffer.from([0, 255]),
      yes: true,
      list: [1, 'a', [2.5], null],
      map: { a: 1, b: { c: 'd' } },
    };
    await client.put(key('types'), bins);
    const { bins: read, gen, ttl } = await client.get(key('types'));
    expect({ read, gen, ttl }).toEqual({ read: bins, gen: 1, ttl: -1 });
  });

  it('merges bins, deletes those that are null, and replaces a record on request', async () => {
    const { client, key } = subject();
    await client.put(key('merge'), { a: 1, b: 2 });
    await client.put(key('merge'), withNulls({ b: null, c: 3 }));
    expect((await client.get(key('merge'))).bins).toEqual({ a: 1, c: 3 });
    const replace = new Aerospike.WritePolicy({ exists: Aerospike.policy.exists.CREATE_OR_REPLACE });
    await client.put(key('merge'), { z: 26 }, {}, replace);
    const { bins, gen } = await client.get(key('merge'));
    expect({ bins, gen }).toEqual({ bins: { z: 26 }, gen: 3 });
  });

  it('deletes the record with its last bin', async () => {
    const { client, key } = subject();
    await client.put(key('last'), { a: 1 });
    await client.put(key('last'), withNulls({ a: null }));
    expect(await client.exists(key('last'))).toBe(false);
  });

  it('selects bins', async () => {
    const { client, key } = subject();
    await client.put(key('select'), { a: 1, b: 2 });
    expect((await client.select(key('select'), ['b', 'missing'])).bins).toEqual({ b: 2 });
  });

  it('runs operations in their order and answers the reads', async () => {
    const { client, key } = subject();
    await client.put(key('operate'), { n: 1, d: 0.5, s: 'b' });
    const { bins } = await client.operate(key('operate'), [
      operations.incr('n', 4),
      operations.incr('d', 0.25),
      operations.incr('fresh', 7),
      operations.append('s', 'c'),
      operations.prepend('s', 'a'),
      operations.write('w', 'new'),
      operations.read('n'),
      operations.read('d'),
      operations.read('fresh'),
      operations.read('s'),
      operations.read('w'),
    ]);
    expect(bins).toEqual({ n: 5, d: 0.75, fresh: 7, s: 'abc', w: 'new' });
  });

  it('deletes a record by an operation', async () => {
    const { client, key } = subject();
    await client.put(key('op-delete'), { a: 1 });
    const { bins } = await client.operate(key('op-delete'), [operations.read('a'), operations.delete()]);
    expect(bins).toEqual({ a: 1 });
    expect(await client.exists(key('op-delete'))).toBe(false);
  });

  it('removes a record once', async () => {
    const { client, key } = subject();
    await client.put(key('remove'), { a: 1 });
    await client.remove(key('remove'));
    expect(await codeOf(client.remove(key('remove')))).toBe(Aerospike.status.ERR_RECORD_NOT_FOUND);
  });

  it('reads, writes and removes in batches, each row with its own outcome', async () => {
    const { client, key } = subject();
    await client.put(key('batch-gone'), { a: 1 });
    const { BATCH_READ, BATCH_WRITE, BATCH_REMOVE } = Aerospike.batchType;
    const ops = [operations.incr('n', 2), operations.read('n')];
    const written = await client.batchWrite([
      { type: BATCH_WRITE, key: key('batch-1'), ops },
      { type: BATCH_WRITE, key: key('batch-2'), ops },
      { type: BATCH_REMOVE, key: key('batch-gone') },
      { type: BATCH_REMOVE, key: key('batch-never') },
      { type: BATCH_READ, key: key('batch-1'), readAllBins: true },
    ]);
    expect(written.map(({ status }) => status)).toEqual([0, 0, 0, 2, 0]);
    const keys = ['batch-2', 'batch-gone', 'batch-1'].map((name) => ({ key: key(name), readAllBins: true }));
    const read = await client.batchRead(keys);
    expect(read.map(({ status, record }) => [status, record.bins])).toEqual([
      [0, { n: 2 }],
      [2, undefined],
      [0, { n: 2 }],
    ]);
  });

  it('takes a value of almost a mebibyte', async () => {
    const { client, key } = subject();
    const blob = Buffer.alloc(1_000_000, 'x');
    await client.put(key('large'), { blob });
    expect((await client.get(key('large'))).bins['blob']).toEqual(blob);
  });

  it('refuses a compressed command, as Community Edition', async () => {
    const { client, key } = subject();
    const compress = new Aerospike.WritePolicy({ compress: true, totalTimeout: 20_000 });
    expect(await codeOf(client.put(key('compressed'), { blob: Buffer.alloc(10_000) }, {}, compress))).toBe(25);
  });

  it('answers every row of a batch also after one that finds nothing to change', async () => {
    const { client, key } = subject();
    await client.put(key('row-there'), { a: 1 });
    const { BATCH_READ, BATCH_WRITE } = Aerospike.batchType;
    const rows = await client.batchWrite([
      { type: BATCH_WRITE, key: key('row-none'), ops: [operations.read('a'), operations.delete()] },
      { type: BATCH_READ, key: key('row-there'), readAllBins: true },
    ]);
    expect(rows.map(({ status }) => status)).toEqual([2, 0]);
  });

  it('keeps sets and namespaces apart', async () => {
    const { client, namespace, otherNamespace, set } = subject();
    const keys = [
      clientKey(namespace, `${set}-a`, 'same'),
      clientKey(namespace, `${set}-b`, 'same'),
      clientKey(namespace, undefined, 'same'),
      clientKey(otherNamespace, set, 'same'),
    ];
    await Promise.all(keys.map((key, value) => client.put(key, { value })));
    const read = await Promise.all(keys.map(async (key) => (await client.get(key)).bins['value']));
    expect(read).toEqual([0, 1, 2, 3]);
  });
});
