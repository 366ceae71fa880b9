import { onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { describe, expect, it } from 'vitest';
import { fill, numbers, numbersOf } from './people.ts';
import { codeOf, withClient } from './with-client.ts';

const { exp, operations } = Aerospike;

const all = numbersOf(() => true);

describe('scans and expressions', () => {
  const subject = withClient();

  it('scans a set with its keys, bins and page by page', async () => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'scan');
    const records = await client.scan(namespace, set).results();
    expect(numbers(records)).toEqual(all);
    expect(new Set(records.map(({ key }) => key.key))).toEqual(new Set(all));

    const selected = await client.scan(namespace, set, { select: ['name'] }).results();
    expect(selected.map(({ bins }) => Object.keys(bins))).toEqual(all.map(() => ['name']));

    const paged = client.scan(namespace, set, { paginate: true });
    const policy = new Aerospike.ScanPolicy({ maxRecords: 20 });
    const pages = [];
    while (paged.hasNextPage() || pages.length === 0) pages.push(await paged.results(policy));
    expect(numbers(pages.flat())).toEqual(all);
    expect(pages.length).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ['an integer', exp.lt(exp.binInt('n'), exp.int(3)), [0, 1, 2]],
    ['a double', exp.ge(exp.binFloat('half'), exp.float(24.25)), [48, 49]],
    [
      'logic',
      exp.and(exp.gt(exp.binInt('n'), exp.int(45)), exp.not(exp.eq(exp.binInt('n'), exp.int(47)))),
      [46, 48, 49],
    ],
    ['a regular expression', exp.cmpRegex(0, 'n-[4-9]$', exp.binStr('name')), numbersOf(({ n }) => n % 5 === 4)],
    ['arithmetic', exp.eq(exp.mul(exp.binInt('n'), exp.int(3)), exp.int(21)), [7]],
    [
      'a list',
      exp.gt(exp.lists.getByValue(exp.binList('tags'), exp.str('t0'), 5), exp.int(0)),
      numbersOf(({ n }) => n % 3 === 0),
    ],
    ['a bin that no record has', exp.gt(exp.binInt('missing'), exp.int(0)), []],
    ['the key', exp.eq(exp.keyInt(), exp.int(33)), [33]],
    ['a record that never expires', exp.and(exp.eq(exp.ttl(), exp.int(-1)), exp.eq(exp.binInt('n'), exp.int(1))), [1]],
  ] as const)('filters a scan by %s', async (_name, filterExpression, expected) => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'filter');
    const policy = new Aerospike.ScanPolicy({ filterExpression, totalTimeout: 20_000 });
    expect(numbers(await client.scan(namespace, set).results(policy))).toEqual(expected);
  });

  it('changes records in the background', async () => {
    const { client, namespace } = subject();
    const set = await fill(subject(), 'background');
    const job = await client.scan(namespace, set).operate([operations.incr('n', 100)]);
    await job.waitUntilDone();
    expect(numbers(await client.scan(namespace, set).results())).toEqual(all.map((n) => n + 100));
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
});

describe.runIf(onAerospikeDev)('what aerospike-dev does not have', () => {
  const subject = withClient();

  it('is refused with the code of an unsupported feature, or in words', async () => {
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
