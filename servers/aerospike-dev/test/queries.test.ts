import Aerospike from 'aerospike';
import type { Client } from 'aerospike';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAerospikeDev } from '@millrace/aerospike-dev';
import { describe, expect, it, vi } from 'vitest';
import { clientKey, codeOf, connect, withClient } from './with-client.ts';

const { exp, operations } = Aerospike;
const { NUMERIC, STRING } = Aerospike.indexDataType;

const PEOPLE = Array.from({ length: 50 }, (_, n) => ({
  n,
  name: `person-${n % 5}`,
  tags: [`t${n % 3}`, 'all'],
  half: n / 2 + 0.25,
}));

async function fill(client: Client, set: string): Promise<void> {
  const keep = new Aerospike.WritePolicy({ key: Aerospike.policy.key.SEND, totalTimeout: 20_000 });
  await Promise.all(PEOPLE.map((person) => client.put(clientKey('test', set, person.n), person, {}, keep)));
}

const numbers = (records: readonly { bins: Aerospike.AerospikeBins }[]): number[] =>
  records.map(({ bins }) => bins['n'] as number).toSorted((a, b) => a - b);

const from = (first: number, last: number): number[] => PEOPLE.map(({ n }) => n).filter((n) => n >= first && n <= last);

describe('scans, queries, indexes, TTL and truncation', () => {
  const subject = withClient();

  it('scans a set with its keys, bins and page by page', async () => {
    const { client } = subject();
    await fill(client, 'scan');
    const records = await client.scan('test', 'scan').results();
    expect(numbers(records)).toEqual(from(0, 49));
    expect(new Set(records.map(({ key }) => key.key))).toEqual(new Set(from(0, 49)));

    const selected = await client.scan('test', 'scan', { select: ['name'] }).results();
    expect(selected.map(({ bins }) => Object.keys(bins))).toEqual(PEOPLE.map(() => ['name']));

    const paged = client.scan('test', 'scan', { paginate: true });
    const policy = new Aerospike.ScanPolicy({ maxRecords: 20 });
    const pages = [];
    while (paged.hasNextPage() || pages.length === 0) pages.push(await paged.results(policy));
    expect(numbers(pages.flat())).toEqual(from(0, 49));
    expect(pages.length).toBeGreaterThanOrEqual(3);
  });

  it('queries integers and strings by index, and refuses a query without one', async () => {
    const { client } = subject();
    await fill(client, 'query');
    const query = (filter: Aerospike.filter.SindexFilterPredicate) =>
      client.query('test', 'query', { filters: [filter] }).results();
    expect(await codeOf(query(Aerospike.filter.range('n', 10, 12)))).toBe(201);
    for (const [index, bin, datatype] of [
      ['by-n', 'n', NUMERIC],
      ['by-name', 'name', STRING],
    ] as const) {
      const job = await client.createIndex({ ns: 'test', set: 'query', bin, index, datatype });
      await job.waitUntilDone();
    }
    await client.createIndex({
      ns: 'test',
      set: 'query',
      bin: 'tags',
      index: 'by-tag',
      datatype: STRING,
      type: Aerospike.indexType.LIST,
    });
    expect(numbers(await query(Aerospike.filter.range('n', 10, 12)))).toEqual([10, 11, 12]);
    expect(numbers(await query(Aerospike.filter.equal('name', 'person-3')))).toEqual(
      PEOPLE.filter(({ name }) => name === 'person-3').map(({ n }) => n),
    );
    const tagged = Aerospike.filter.contains('tags', 't2', Aerospike.indexType.LIST);
    expect(numbers(await query(tagged))).toEqual(PEOPLE.filter(({ tags }) => tags[0] === 't2').map(({ n }) => n));
    await client.indexRemove('test', 'by-n');
    expect(await codeOf(query(Aerospike.filter.range('n', 10, 12)))).toBe(201);
  });

  it.each([
    ['an integer', exp.lt(exp.binInt('n'), exp.int(3)), [0, 1, 2]],
    ['a double', exp.ge(exp.binFloat('half'), exp.float(24.25)), [48, 49]],
    [
      'logic',
      exp.and(exp.gt(exp.binInt('n'), exp.int(45)), exp.not(exp.eq(exp.binInt('n'), exp.int(47)))),
      [46, 48, 49],
    ],
    ['a regular expression', exp.cmpRegex(0, 'n-[4-9]$', exp.binStr('name')), from(0, 49).filter((n) => n % 5 === 4)],
    ['arithmetic', exp.eq(exp.mul(exp.binInt('n'), exp.int(3)), exp.int(21)), [7]],
    [
      'a list',
      exp.gt(exp.lists.getByValue(exp.binList('tags'), exp.str('t0'), 5), exp.int(0)),
      from(0, 49).filter((n) => n % 3 === 0),
    ],
    ['a bin that no record has', exp.gt(exp.binInt('missing'), exp.int(0)), []],
    ['the key', exp.eq(exp.keyInt(), exp.int(33)), [33]],
    ['a record that never expires', exp.and(exp.eq(exp.ttl(), exp.int(-1)), exp.eq(exp.binInt('n'), exp.int(1))), [1]],
  ] as const)('filters a scan by %s', async (_name, filterExpression, expected) => {
    const { client } = subject();
    await fill(client, 'filter');
    const policy = new Aerospike.ScanPolicy({ filterExpression, totalTimeout: 20_000 });
    expect(numbers(await client.scan('test', 'filter').results(policy))).toEqual(expected);
  });

  it('changes records in the background', async () => {
    const { client } = subject();
    await fill(client, 'background');
    const job = await client.scan('test', 'background').operate([operations.incr('n', 100)]);
    await job.waitUntilDone();
    expect(numbers(await client.scan('test', 'background').results())).toEqual(from(0, 49).map((n) => n + 100));
  });

  it('writes what an expression is worth', async () => {
    const { client, key } = subject();
    await client.put(key('expression'), { a: 5, b: 6 });
    const product = exp.mul(exp.binInt('a'), exp.binInt('b'));
    const { bins } = await client.operate(key('expression'), [
      exp.operations.write('c', product, 0),
      exp.operations.read('answer', exp.add(exp.binInt('c'), exp.int(1)), 0),
    ]);
    expect(bins).toMatchObject({ answer: 31 });
    expect((await client.get(key('expression'))).bins).toEqual({ a: 5, b: 6, c: 30 });
  });

  it('expires records, resets their TTL with a write and keeps it on request', async () => {
    const { client, key, server } = subject();
    const ttlOf = async () => (await client.get(key('ttl'))).ttl;
    await client.put(key('ttl'), { a: 1 }, { ttl: 1000 });
    expect(await ttlOf()).toBeGreaterThan(990);
    await client.put(key('ttl'), { a: 2 }, { ttl: Aerospike.ttl.DONT_UPDATE });
    expect(await ttlOf()).toBeGreaterThan(990);
    await client.put(key('ttl'), { a: 3 });
    expect(await ttlOf()).toBe(-1);
    await client.put(key('ttl'), { a: 4 }, { ttl: 1 });
    const before = await server.records('test');
    await vi.waitFor(async () => expect(await server.records('test')).toBe(before - 1), { timeout: 10_000 });
    expect(await client.exists(key('ttl'))).toBe(false);
  });

  it('truncates a set and leaves the others', async () => {
    const { client } = subject();
    await fill(client, 'gone');
    await fill(client, 'stays');
    await client.truncate('test', 'gone', 0);
    expect(await client.scan('test', 'gone').results()).toEqual([]);
    expect(await client.scan('test', 'stays').results()).toHaveLength(50);
    expect(await client.infoAny('sets/test/stays')).toContain('objects=50');
  });

  it('says what it does not have', async () => {
    const { client, key } = subject();
    const udf = { module: 'm', funcname: 'f', args: [] };
    expect(await codeOf(client.apply(key('udf'), udf))).toBe(16);
    await expect(client.udfRegister(import.meta.filename)).rejects.toThrow(
      'aerospike-dev has no user-defined functions',
    );
    const info = await client.infoAny('nonsense').catch(({ message }: Error) => message);
    expect(info).toContain('aerospike-dev does not know the command nonsense');
  });
});

describe('a snapshot', () => {
  it('keeps records, TTLs and indexes over a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aerospike-dev-'));
    const snapshot = join(directory, 'records.snapshot');
    try {
      const first = await startAerospikeDev({ port: 0, snapshot });
      const writer = await connect(first);
      await fill(writer, 'kept');
      await writer.put(clientKey('test', 'kept', 'mortal'), { n: 50 }, { ttl: 1000 });
      await writer.createIndex({ ns: 'test', set: 'kept', bin: 'n', index: 'kept-n', datatype: NUMERIC });
      writer.close(false);
      await first.stop();

      const second = await startAerospikeDev({ port: 0, snapshot });
      const reader = await connect(second);
      const filters = [Aerospike.filter.range('n', 48, 50)];
      expect(numbers(await reader.query('test', 'kept', { filters }).results())).toEqual([48, 49, 50]);
      expect((await reader.get(clientKey('test', 'kept', 'mortal'))).ttl).toBeGreaterThan(900);
      reader.close(false);
      await second.stop();
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('is refused when the file is something else', async () => {
    await expect(startAerospikeDev({ port: 0, snapshot: import.meta.filename })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('is no snapshot'),
    });
  });
});
