import { freePort } from '@millrace/testkit';
import Aerospike from 'aerospike';
import type { AerospikeBins, AerospikeError } from 'aerospike';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientKey, codeOf, connect, infoOf, withClient, withNulls } from './with-client.ts';

const { lists, operations, policy } = Aerospike;

const patient = { totalTimeout: 20_000 };

/** What the official client 6.7 does with values, keys, time-outs and connections, as measured on a real server. */
describe('what the official client does', () => {
  const subject = withClient();
  let written = 0;

  /** The value of a bin after it was put. */
  async function readBack(value: unknown): Promise<unknown> {
    const { client, key } = subject();
    const fresh = key(`value-${written++}`);
    await client.put(fresh, { value } as AerospikeBins);
    return (await client.get(fresh)).bins['value'];
  }

  describe('silent changes of values', () => {
    it.each([
      ['a Date', new Date(0)],
      ['a Set', new Set([1])],
      ['a function', () => 1],
    ])('%s becomes {}', async (_name, value) => {
      expect(await readBack(value)).toEqual({});
      expect(await readBack({ inside: value })).toEqual({ inside: {} });
    });

    it.each([
      ['a text is cut at NUL', 'a\0b', 'a'],
      ['a text in a list is cut at NUL', ['a\0b'], ['a']],
      ['a text in a map is cut at NUL', { k: 'a\0b' }, { k: 'a' }],
      ['undefined in a list becomes null', [1, undefined], [1, null]],
      ['undefined in a map becomes null', { k: undefined }, { k: null }],
      ['Double(1) reads back as 1', new Aerospike.Double(1), 1],
      ['the keys of a map come back as texts', new Map([[1, 'a']]), { '1': 'a' }],
    ])('%s', async (_name, value, expected) => {
      expect(await readBack(value)).toEqual(expected);
    });

    it('the map keys 1 and "1" collide', async () => {
      const map = new Map<unknown, string>([
        [1, 'integer'],
        ['1', 'text'],
      ]);
      expect(Object.keys((await readBack(map)) as object)).toEqual(['1']);
    });

    it('an integer above 2^53 reads back as a BigInt, one below as a number', async () => {
      expect(await readBack(2n ** 53n)).toBe(2n ** 53n);
      expect(await readBack(2 ** 60)).toBe(2n ** 60n);
      expect(await readBack(-(2n ** 63n))).toBe(-(2n ** 63n));
      expect(await readBack(BigInt(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
    });

    it('a bin that is null is deleted', async () => {
      const { client, key } = subject();
      await client.put(key('null'), { a: 1, b: 2 });
      await client.put(key('null'), withNulls({ a: null }));
      expect((await client.get(key('null'))).bins).toEqual({ b: 2 });
    });

    it('a set name of 64 characters is cut to 63, and so collides', async () => {
      const { client, namespace, set } = subject();
      const cut = set.padEnd(63, 'x');
      await client.put(clientKey(namespace, `${cut}a`, 'same'), { n: 1 });
      await client.put(clientKey(namespace, `${cut}b`, 'same'), { n: 2 });
      for (const name of [cut, `${cut}a`, `${cut}b`]) {
        expect((await client.get(clientKey(namespace, name, 'same'))).bins).toEqual({ n: 2 });
      }
    });
  });

  describe('keys', () => {
    it.each([[''], [1.5], [Number.NaN], [null], [undefined], [true], [{}], [Buffer.alloc(0)]])(
      'new Key(%j) throws a TypeError at once',
      (userKey) => {
        expect(() => new Aerospike.Key('test', 'demo', userKey as string)).toThrow(TypeError);
      },
    );

    it('a scan returns the user key only of records written with policy.key.SEND', async () => {
      const { client, namespace, set } = subject();
      const own = `${set}-keys`;
      const send = new Aerospike.WritePolicy({ ...patient, key: policy.key.SEND });
      await client.put(clientKey(namespace, own, 'sent'), { n: 1 }, {}, send);
      await client.put(clientKey(namespace, own, 'digest only'), { n: 2 });
      const found = await client.scan(namespace, own).results();
      const keys = Object.fromEntries(found.map(({ key, bins }) => [bins['n'], key.key]));
      expect(keys).toEqual({ 1: 'sent', 2: undefined });
    });
  });

  describe('commands', () => {
    it('several operations on one bin return only the last result', async () => {
      const { client, key } = subject();
      await client.put(key('last'), { l: [7], n: 1 });
      const { bins } = await client.operate(key('last'), [
        lists.append('l', 8),
        lists.size('l'),
        lists.get('l', 0),
        operations.read('n'),
        operations.incr('n', 5),
        operations.read('n'),
      ]);
      expect(bins).toEqual({ l: 7, n: 6 });
    });

    it('generation EQ takes the generation of the meta data, a remove that of its policy', async () => {
      const { client, key } = subject();
      await client.put(key('gen'), { a: 1 });
      await client.put(key('gen'), { a: 2 });
      const withGeneration = { ...patient, gen: policy.gen.EQ, generation: 2 };
      const equal = new Aerospike.WritePolicy(withGeneration);
      expect(await codeOf(client.put(key('gen'), { a: 3 }, {}, equal))).toBe(3);
      expect(await codeOf(client.put(key('gen'), { a: 3 }, { gen: 2 }, equal))).toBe(0);
      const remove = (generation: number) => new Aerospike.RemovePolicy({ ...patient, gen: policy.gen.EQ, generation });
      expect(await codeOf(client.remove(key('gen'), remove(2)))).toBe(3);
      expect(await codeOf(client.remove(key('gen'), remove(3)))).toBe(0);
    });

    it('answers with a promise, or calls the last argument', async () => {
      const { client, key } = subject();
      const called = Promise.withResolvers<readonly unknown[]>();
      client.put(key('callback'), { a: 1 }, (...values: unknown[]) => called.resolve(values));
      expect((await called.promise)[0]).toBeNull();
      const failed = Promise.withResolvers<AerospikeError | null>();
      client.get(key('no such record'), (error) => failed.resolve(error as AerospikeError | null));
      expect((await failed.promise)?.code).toBe(2);
    });

    it('an error has a code, the command and whether it is in doubt, and its text may begin with the node', async () => {
      const { client, key } = subject();
      const error = await client.get(key('no such record')).then(
        () => undefined,
        (reason: AerospikeError) => reason,
      );
      expect(error).toBeInstanceOf(Aerospike.AerospikeError);
      expect({ code: error?.code, inDoubt: error?.inDoubt }).toEqual({ code: 2, inDoubt: false });
      expect(error?.command.constructor.name).toBe('GetCommand');
      expect(error?.client).toBe(client);
      expect(error?.message).toContain('Record does not exist');
    });
  });

  describe('connections', () => {
    it('closing twice is fine, a command after it fails with -1, and another client connects after it', async () => {
      const { hosts, key } = subject();
      const first = await connect({ hosts });
      await first.put(key('reconnect'), { a: 1 });
      first.close(false);
      first.close(false);
      expect(first.isConnected()).toBe(false);
      expect(await codeOf(first.get(key('reconnect')))).toBe(-1);
      const second = await connect({ hosts });
      expect((await second.get(key('reconnect'))).bins).toEqual({ a: 1 });
      second.close(false);
    });

    it('the global command queue holds what would be above maxConnsPerNode', async () => {
      const { hosts, namespace, set } = subject();
      const puts = (setUp: string) => `
        ${setUp};
        const client = await connect({ maxConnsPerNode: 50 });
        const key = (n) => new Aerospike.Key('${namespace}', '${set}', n);
        const policy = { totalTimeout: 15000 };
        const put = (n) => client.put(key(n), { n }, {}, policy).then(() => 0, ({ code }) => code);
        const codes = await Promise.all(Array.from({ length: 500 }, (_, n) => put(n)));
        console.log(codes.filter((code) => code === -7).length);
        client.close();`;
      const queue = 'Aerospike.setupGlobalCommandQueue({ maxCommandsInProcess: 50, maxCommandsInQueue: 1000 })';
      expect(await run(puts(''), hosts)).toMatchObject({ stdout: '450\n' });
      expect(await run(puts(queue), hosts)).toMatchObject({ stdout: '0\n' });
    });

    it('a failed connect writes to the console, with logging off too', async () => {
      const { stdout, stderr } = await run(
        `await connect({}).catch(({ code }) => console.log(code)); process.exit();`,
        `127.0.0.1:${await freePort()}`,
      );
      expect(stdout).toBe('-10\n');
      expect(stderr).toContain('Failed to connect to seed');
    });

    it('an unclosed client keeps the process alive', async () => {
      const { hosts } = subject();
      const closed = await run(`(await connect({})).close(); console.log('closed');`, hosts);
      expect(closed).toMatchObject({ stdout: 'closed\n' });
      const open = spawn(...program(`await connect({}); console.log('open');`, hosts));
      const ended = once(open, 'exit');
      await once(open.stdout, 'data');
      expect(await Promise.race([ended, sleep(1000, 'alive')])).toBe('alive');
      open.kill('SIGKILL');
      await ended;
    });

    it('in a worker thread the client ends the process', async () => {
      const { hosts } = subject();
      const source = `
        const { Worker } = await import('node:worker_threads');
        const worker = new Worker(${JSON.stringify(PRELUDE)} + '(async () => (await connect({})).close())()', { eval: true, env: process.env });
        worker.on('error', ({ message }) => { console.log(message); process.exit(1); });`;
      const error = await run(source, hosts).then(
        () => undefined,
        (reason: { signal: string | null; stdout: string; stderr: string }) => reason,
      );
      expect(error).toBeDefined();
      expect(`${error?.stdout}${error?.stderr}`).toMatch(/HandleScope|did not self-register|FATAL/);
    });

    it('partition-generation is 0 or more once the node has started', async () => {
      const generation = Number(await infoOf(subject().client, 'partition-generation'));
      expect(generation).toBeGreaterThanOrEqual(0);
    });
  });
});

/** The beginning of a program that uses the client in a process, or thread, of its own. */
const PRELUDE = `
const Aerospike = require('aerospike');
const connect = (config) =>
  Aerospike.connect({ hosts: process.env.HOSTS, log: { level: Aerospike.log.OFF }, ...config });
`;

/** As `execFile` and `spawn` take it. */
const program = (source: string, hosts: string) =>
  [
    process.execPath,
    ['--eval', `${PRELUDE}(async () => {${source}})();`],
    { cwd: import.meta.dirname, env: { ...process.env, HOSTS: hosts } },
  ] as const;

const run = (source: string, hosts: string): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(...program(source, hosts));
