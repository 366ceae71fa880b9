import { mkdtemp, readFile, rm } from 'node:fs/promises';
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

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-migrate-'));
  server = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
  source = `aerospike://${server.hosts}/profiles`;
  const client = await Aerospike.connect({ hosts: server.hosts });
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
      expect(stdout).toContain('300 profiles moved: 300 views and 100 buys; 0 tags refused, 0 records unreadable');
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
    const v1 = await openAerospikeV1(source, { bin: 'profile' });
    let progress = NOTHING_YET;
    let runs = 0;
    for (; progress.next < PARTITIONS; runs++) {
      const target = await fileTarget(out, progress.position);
      const stopped = new AbortController();
      const saved = async ({ next }: { readonly next: number }): Promise<void> => {
        if (next % 1024 === 0) stopped.abort();
      };
      progress = await runMigration({ source: v1, target, from: progress, signal: stopped.signal, saved });
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

  it('sends them to a running platform', async () => {
    const data = join(directory, 'platform');
    const platform = await startMillrace({ dataDirectory: data });
    try {
      const { code } = await runMillrace(['migrate', 'aerospike-v1', source, '--data', data]);
      expect(code).toBe(0);
      await caughtUp(platform.url, AbortSignal.timeout(20_000));
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
