import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAerospikeV1, PARTITIONS } from '@millrace/aerospike';
import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import { caughtUp, runMillrace, startMillrace } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOTHING_YET, runMigration } from '../src/migrate/run.ts';
import { fileTarget } from '../src/migrate/target.ts';

const PROFILES = 300;
const EPOCH = Date.parse('2022-03-22T12:25:00.000Z');
let server: AerospikeDev;
let directory: string;
let source: string;

/** One literal in a raw block of Snappy: its length twice, then the bytes. */
function block(value: unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(value));
  const size = bytes.length;
  const length = size < 128 ? [size] : [(size & 127) | 128, size >> 7];
  return Buffer.concat([Buffer.from([...length, 61 << 2, (size - 1) & 255, (size - 1) >> 8]), bytes]);
}

const tag = (n: number, action: string) => ({
  time: new Date(EPOCH + n).toISOString(),
  cookie: `cookie ${n}`,
  country: 'PL',
  device: 'PC',
  action,
  origin: 'o',
  product_info: { product_id: n, brand_id: 'Nike', category_id: 'c', price: 10 },
});

/** With the time that a busy machine may take. */
const connect = ({ hosts }: AerospikeDev) =>
  Aerospike.connect({
    hosts,
    connTimeoutMs: 30_000,
    policies: { write: new Aerospike.WritePolicy({ totalTimeout: 30_000, socketTimeout: 30_000 }) },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-migrate-'));
  server = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
  source = `aerospike://${server.hosts}/profiles`;
  const client = await connect(server);
  const put = (namespace: string, key: string, bins: Record<string, Buffer>) =>
    client.put(new Aerospike.Key(namespace, undefined, key) as never, bins);
  for (let n = 0; n < PROFILES; n++) {
    const profile = { cookie: `cookie ${n}`, views: [tag(n, 'VIEW')], buys: n % 3 === 0 ? [tag(n, 'BUY')] : [] };
    await put('profiles', profile.cookie, { profile: block(profile) });
  }
  await put('aggregates', '[1647950400,0,0,0]', { 25: block([307, 3070, 100, 1000]) });
  client.close();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const onProblem = (problem: Error): never => expect.fail(problem.message);

describe('millrace migrate aerospike-v1', () => {
  it('counts with --dry-run, and compares with the aggregates', async () => {
    const { code, stdout } = await runMillrace([
      'migrate',
      'aerospike-v1',
      source,
      '--dry-run',
      '--data',
      directory,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      profiles: PROFILES,
      unreadable: 0,
      damagedTags: 0,
      refused: 0,
      tags: { views: 300, viewsPrice: 3000, buys: 100, buysPrice: 1000 },
      dryRun: true,
      aggregates: { views: 307, viewsPrice: 3070, buys: 100, buysPrice: 1000 },
    });
  });

  it('writes a file, once, and says so', async () => {
    const out = join(directory, 'tags.ndjson');
    const args = ['migrate', 'aerospike-v1', source, '--out', out, '--data', directory];
    for (const _ of ['first', 'again']) {
      const { code, stdout } = await runMillrace(args);
      expect(code).toBe(0);
      expect(stdout).toContain(
        '300 profiles moved: 300 views and 100 buys; 0 tags refused, 0 records and 0 tags unreadable',
      );
      expect(stdout).toContain(
        'views: 307 in the aggregates of the same minutes, 7 more than moved; prices: 3,070, 70 more',
      );
      const tags = (await readFile(out, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { time: string });
      expect(tags).toHaveLength(400);
      expect(tags).toContainEqual(tag(17, 'VIEW'));
    }
  });

  it('goes on where it was stopped, with nothing twice and nothing missing', async () => {
    const out = join(directory, 'parts.ndjson');
    const v1 = await openAerospikeV1(source, {
      bin: 'profile',
      aggregatesNamespace: 'aggregates',
      bucketsPerKey: 60,
    });
    let progress = NOTHING_YET;
    let runs = 0;
    for (; progress.next < PARTITIONS; runs++) {
      const target = await fileTarget(out, progress.position, progress.next > 0);
      const stopped = new AbortController();
      const saved = async ({ next }: { readonly next: number }): Promise<void> => {
        if (next % 1024 === 0) stopped.abort();
      };
      progress = await runMigration({ source: v1, target, from: progress, signal: stopped.signal, onProblem, saved });
      // A group that was written and not saved is cut off by the next run.
      if (progress.next < PARTITIONS) await target.write(['{"half":']);
      await target.close();
    }
    v1.close();
    expect(runs).toBe(4);
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n');
    expect(new Set(lines).size).toBe(400);
    expect(lines).toHaveLength(400);
    expect(progress).toMatchObject({ profiles: PROFILES, tags: { views: 300, buys: 100 } });
  });

  it('says at once that there is no such namespace of aggregates', async () => {
    const args = ['migrate', 'aerospike-v1', source, '--dry-run', '--aggregates-namespace', 'agregates'];
    const { code, stdout, stderr } = await runMillrace([...args, '--data', directory]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('has no namespace "agregates": use one of profiles, aggregates');
  });

  it('writes over no file that is not its own', async () => {
    const out = join(directory, 'notes.txt');
    await writeFile(out, 'mine');
    const args = ['migrate', 'aerospike-v1', source, '--out', out, '--data', directory];
    const refused = await runMillrace(args);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('notes.txt has something already: name another file, or give --restart');
    expect(await readFile(out, 'utf8')).toBe('mine');
    expect(await runMillrace([...args, '--restart'])).toMatchObject({ code: 0 });
    expect((await readFile(out, 'utf8')).startsWith('{')).toBe(true);
    await rm(out);
    const gone = await runMillrace(args);
    expect(gone.stderr).toContain('notes.txt is gone, which an earlier run began: give --restart');
  });

  it('counts and names what cannot be read, and moves the rest', async () => {
    const own = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
    try {
      const client = await connect(own);
      const put = (cookie: string, profile: Buffer) =>
        client.put({ ns: 'profiles', set: '', key: cookie }, { profile });
      const views = [tag(1, 'VIEW'), { ...tag(2, 'VIEW'), time: 'yesterday' }];
      await put('half', block({ cookie: 'half', views: views.slice(1), buys: [] }));
      await put('whole', block({ cookie: 'whole', views: views.slice(0, 1), buys: [] }));
      await put('none', Buffer.from('none'));
      client.close();
      const url = `aerospike://${own.hosts}/profiles`;
      const args = ['migrate', 'aerospike-v1', url, '--dry-run', '--data', directory];
      const { code, stdout, stderr } = await runMillrace(args);
      expect(code).toBe(1);
      expect(stdout).toContain('2 profiles found: 1 views and 0 buys; 0 tags refused, 1 records and 1 tags unreadable');
      expect(stderr).toContain(
        'RECORD_UNREADABLE: the bin "profile" of the record half in profiles cannot be moved whole: views[0]: its time is no time',
      );
      expect(stderr).toMatch(/the record digest [0-9a-f]{40} in profiles cannot be moved whole: it holds no profile/);
    } finally {
      await own.stop();
    }
  });

  it('shows the first twenty problems and counts the others, which a file has as JSON lines', async () => {
    const own = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
    try {
      const client = await Aerospike.connect({ hosts: own.hosts });
      const damaged = { ...tag(1, 'VIEW'), action: 'LOOK' };
      for (let n = 0; n < 30; n++) {
        const profile = block({ cookie: `cookie ${n}`, views: [damaged], buys: [] });
        await client.put({ ns: 'profiles', set: '', key: n }, { profile });
      }
      client.close();
      const problems = join(directory, 'problems.ndjson');
      const args = ['migrate', 'aerospike-v1', `aerospike://${own.hosts}/profiles`, '--dry-run', '--data', directory];
      const shown = await runMillrace(args);
      expect(shown.stderr.split('\n').filter((line) => line.startsWith('RECORD_UNREADABLE: '))).toHaveLength(20);
      expect(shown.stderr).toContain('and 10 problems more: give --problems FILE to have them in a file\n');
      const filed = await runMillrace([...args, '--json', '--problems', problems]);
      expect(filed.stderr).toContain(`and 10 problems more: ${problems}\n`);
      expect(JSON.parse(filed.stdout)).toMatchObject({ damagedTags: 30 });
      const lines = (await readFile(problems, 'utf8')).trimEnd().split('\n');
      const found = lines.map((line) => JSON.parse(line) as { code: string; value: string; message: string });
      expect(new Set(found.map(({ value }) => value)).size).toBe(30);
      expect(found[0]).toMatchObject({
        code: 'RECORD_UNREADABLE',
        field: 'profile',
        message: expect.stringContaining('views[0]: its action is neither VIEW nor BUY'),
      });
      const nowhere = await runMillrace([...args, '--problems', join(directory, 'none', 'problems')]);
      expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') });
    } finally {
      await own.stop();
    }
  });

  it('sends them to a running platform', async () => {
    const data = join(directory, 'platform');
    const platform = await startMillrace({ dataDirectory: data });
    try {
      const { code } = await runMillrace(['migrate', 'aerospike-v1', source, '--data', data]);
      expect(code).toBe(0);
      await caughtUp(platform.url);
      const range = 'time_range=2022-03-22T12:25:00_2022-03-22T12:26:00';
      const profile = await fetch(`${platform.url}/user_profiles/${encodeURIComponent('cookie 18')}?${range}`, {
        method: 'POST',
      });
      expect(await profile.json()).toEqual({ cookie: 'cookie 18', views: [tag(18, 'VIEW')], buys: [tag(18, 'BUY')] });
      const query = `${range}&action=VIEW&aggregates=COUNT&aggregates=SUM_PRICE`;
      const totals = await fetch(`${platform.url}/aggregates?${query}`, { method: 'POST' });
      expect(await totals.json()).toMatchObject({ rows: [['2022-03-22T12:25:00', 'VIEW', '300', '3000']] });
    } finally {
      await platform.stop();
    }
  });
});
