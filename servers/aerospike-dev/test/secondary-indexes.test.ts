import Aerospike from 'aerospike';
import { afterEach, describe, expect, it } from 'vitest';
import { fill, numbers, numbersOf } from './people.ts';
import { clientKey, codeOf, withClient } from './with-client.ts';

const { filter, indexType } = Aerospike;
const { NUMERIC, STRING } = Aerospike.indexDataType;

describe('secondary indexes', () => {
  const subject = withClient();
  const created = new Set<string>();
  afterEach(async () => {
    const { client, namespace } = subject();
    for (const index of created) await client.indexRemove(namespace, index);
    created.clear();
  });

  /** The code that the creation of an index is refused with; 0 once it can be queried. */
  async function create(
    set: string,
    bin: string,
    name: string,
    datatype: Aerospike.indexDataType,
    type = indexType.DEFAULT,
  ): Promise<number> {
    const { client, namespace, set: own } = subject();
    const index = `${own}-${name}`;
    created.add(index);
    return codeOf(
      client.createIndex({ ns: namespace, set, bin, index, datatype, type }).then((job) => job.waitUntilDone()),
    );
  }

  const query = (set: string, predicate: Aerospike.filter.SindexFilterPredicate) => {
    const { client, namespace } = subject();
    return client.query(namespace, set, { filters: [predicate] }).results();
  };

  it('answer queries for integers in a range and equal to a value, at the ends of 64 bits too', async () => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'integers');
    const ends = [-(2n ** 63n), 2n ** 63n - 1n];
    await Promise.all(ends.map((n, place) => client.put(clientKey(namespace, set, `end-${place}`), { n })));
    expect(await create(set, 'n', 'by-n', NUMERIC)).toBe(0);
    expect(numbers(await query(set, filter.range('n', 10, 12)))).toEqual([10, 11, 12]);
    expect(numbers(await query(set, filter.equal('n', 7)))).toEqual([7]);
    expect(await codeOf(query(set, filter.range('n', 12, 10)))).toBe(4);
    expect((await query(set, filter.range('n', 40, Number.MAX_SAFE_INTEGER))).length).toBe(10);
    expect((await query(set, filter.range('n', Number.MIN_SAFE_INTEGER, 3))).length).toBe(4);
  });

  it('answer queries for strings, and for elements of lists', async () => {
    const set = await fill(subject(), 'strings');
    expect(await create(set, 'name', 'by-name', STRING)).toBe(0);
    expect(await create(set, 'tags', 'by-tag', STRING, indexType.LIST)).toBe(0);
    expect(numbers(await query(set, filter.equal('name', 'person-3')))).toEqual(numbersOf(({ n }) => n % 5 === 3));
    const tagged = filter.contains('tags', 't2', indexType.LIST);
    expect(numbers(await query(set, tagged))).toEqual(numbersOf(({ n }) => n % 3 === 2));
  });

  it('follow their records: a value that changes, a record that is removed', async () => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'changes');
    expect(await create(set, 'n', 'by-change', NUMERIC)).toBe(0);
    await client.put(clientKey(namespace, set, 1), { n: 1000 });
    await client.put(clientKey(namespace, set, 2), { n: 'no number' });
    await client.remove(clientKey(namespace, set, 3));
    expect(numbers(await query(set, filter.range('n', 0, 4)))).toEqual([0, 4]);
    expect(numbers(await query(set, filter.equal('n', 1000)))).toEqual([1000]);
  });

  it('201: a query without an index that fits it, also after the index was dropped', async () => {
    const set = await fill(subject(), 'none');
    const { client, namespace, set: own } = subject();
    expect(await codeOf(query(set, filter.range('n', 10, 12)))).toBe(201);
    expect(await create(set, 'n', 'dropped', NUMERIC)).toBe(0);
    expect(await codeOf(query(set, filter.equal('n', 'text')))).toBe(201);
    expect(await codeOf(query(`${set}-2`, filter.range('n', 10, 12)))).toBe(201);
    await client.indexRemove(namespace, `${own}-dropped`);
    expect(await codeOf(query(set, filter.range('n', 10, 12)))).toBe(201);
  });

  it('200: the name of another index; the same index again, or under another name, is taken', async () => {
    const { client, namespace, set } = subject();
    expect(await create(set, 'n', 'twice', NUMERIC)).toBe(0);
    expect(await create(set, 'n', 'twice', NUMERIC)).toBe(0);
    expect(await create(set, 'n', 'twice', STRING)).toBe(200);
    expect(await create(set, 'other', 'twice', NUMERIC)).toBe(200);
    expect(await create(set, 'n', 'renamed', NUMERIC)).toBe(0);
    const listed = await client.infoAny(`sindex/${namespace}`);
    expect(listed).toContain(`${set}-renamed`);
    expect(listed).not.toContain(`${set}-twice`);
  });

  it('0: the removal of an index that there is not', async () => {
    const { client, namespace, set } = subject();
    expect(await codeOf(client.indexRemove(namespace, `${set}-never`))).toBe(0);
  });
});
