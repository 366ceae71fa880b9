import { type AerospikeDev, type FaultKind, startAerospikeDev } from '@millrace/aerospike-dev';
import { type JsonValue, openPublisher, type Publisher, type PublisherConfig } from '@millrace/core';
import { freePort } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openAerospikeRecords } from '../../src/index.ts';
import { listOf } from '../list-of.ts';
import { namespaceUrl, withSet } from '../servers.ts';

let server: AerospikeDev;
let place: string;

const opened: Publisher[] = [];

beforeAll(async () => {
  // Not of the system's choice: a lost node wants its port again.
  server = await startAerospikeDev({ port: await freePort(2), namespaces: ['test'], nodes: 2 });
});
beforeEach(() => {
  place = withSet(namespaceUrl(server));
});
afterEach(async () => {
  await server.faults.clear();
  for (const publisher of opened.splice(0)) await publisher.close();
});
afterAll(() => server.stop());

async function open(config: PublisherConfig = {}): Promise<Publisher> {
  const publisher = await openPublisher(place, config);
  opened.push(publisher);
  return publisher;
}

async function stored(): Promise<unknown[]> {
  const records = await openAerospikeRecords(place);
  try {
    return (await listOf(records.scan())).map(({ bins }) => bins['n'] as JsonValue);
  } finally {
    await records.close();
  }
}

async function overwriteAll(n: number): Promise<void> {
  const client = await Aerospike.connect({ hosts: server.hosts });
  const [, namespace, set] = /\/(\w+)\/(\w+)\?/.exec(place)!;
  const job = await client.query(namespace!, set!).operate([Aerospike.operations.write('n', n)]);
  await job.wait();
  client.close();
}

const RETRIED: readonly FaultKind[] = ['timeout', 'timeout-after-apply', 'hot-key', 'device-overload', 'unavailable'];

describe('a publisher meets', () => {
  it.each([...RETRIED, 'disconnect', 'disconnect-after-apply'] as const)('%s: it sends again', async (kind) => {
    const publisher = await open();
    await server.faults.add({ kind, commands: 'write', percent: 20, times: 60 });
    await Promise.all(Array.from({ length: 500 }, (_, n) => publisher.publish({ key: `k${n}`, value: { n } })));
    expect((await stored()).length).toBe(500);
    expect(publisher.details()).toMatchObject({ offered: 500, publish_count: 500, refused: 0 });
  });

  it('a node that is lost and comes back', async () => {
    const publisher = await open();
    const sent: Promise<void>[] = [];
    for (let n = 0; n < 3000; n++) {
      sent.push(publisher.publish({ key: `k${n}`, value: { n } }));
      if (n === 1000) await server.loseNode(1);
      if (n === 2000) await server.returnNode(1);
      if (n % 500 === 0) await sent.at(-1);
    }
    await Promise.all(sent);
    expect(new Set(await stored()).size).toBe(3000);
  });

  it.each(['timeout-after-apply', 'disconnect-after-apply'] as const)(
    '%s of a conditional write: what it wrote itself is no conflict',
    async (kind) => {
      const eq = await open({ generation_policy: 'eq' });
      await eq.publish({ key: 'k', value: { n: 1, __generation: 0 } });
      await server.faults.add({ kind, commands: 'write', times: 1 });
      await eq.publish({ key: 'k', value: { n: 2, __generation: 1 } });
      const create = await open({ write_mode: 'create' });
      await server.faults.add({ kind, commands: 'write', times: 1 });
      await create.publish({ key: 'new', value: { n: 3 } });
      expect(new Set(await stored())).toEqual(new Set([2, 3]));
    },
  );

  it.each<[string, PublisherConfig, number | undefined]>([
    ['create', { write_mode: 'create' }, undefined],
    ['generation_policy eq', { generation_policy: 'eq' }, 0],
    ['generation_policy gt', { generation_policy: 'gt' }, 1],
  ])(
    'a lost answer with %s, and a writer that follows: whether it was written cannot be told',
    async (_, config, gen) => {
      const publisher = await open(config);
      await server.faults.add({ kind: 'timeout-after-apply', commands: 'write', times: 1 });
      const busy = await server.faults.add({ kind: 'device-overload', commands: 'write' });
      const value = { n: 1, ...(gen === undefined ? {} : { __generation: gen }) };
      const publishing = publisher.publish({ key: 'k', value }).catch((error: unknown) => error);
      await expect
        .poll(async () => (await server.faults.list()).find(({ id }) => id === busy.id)?.struck)
        .toBeGreaterThan(0);
      // Faults do not strike what changes all records of a set, so it comes between the attempts.
      await overwriteAll(2);
      await server.faults.clear();
      expect(await publishing).toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('whether it was written cannot be told'),
      });
      expect(await stored()).toEqual([2]);
      expect(publisher.details()).toMatchObject({ refused: 1, publish_count: 0 });
    },
  );

  it('a lost answer with create, and a record that was another from the first: it is refused', async () => {
    const other = await open();
    await other.publish({ key: 'k', value: { n: 2 } });
    const publisher = await open({ write_mode: 'create' });
    await server.faults.add({ kind: 'timeout', commands: 'write', times: 1 });
    await expect(publisher.publish({ key: 'k', value: { n: 1 } })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(await stored()).toEqual([2]);
  });

  it('a lost answer, and another writer: that is a conflict', async () => {
    const eq = await open({ generation_policy: 'eq' });
    await eq.publish({ key: 'k', value: { n: 1, __generation: 0 } });
    const other = await open();
    await other.publish({ key: 'k', value: { n: 'other' } });
    await server.faults.add({ kind: 'timeout', commands: 'write', times: 1 });
    await expect(eq.publish({ key: 'k', value: { n: 2, __generation: 1 } })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(await stored()).toEqual(['other']);
  });

  it('one too large among others: that one is refused, with its size and the way out', async () => {
    const publisher = await open();
    const [before, large, after] = await Promise.allSettled([
      publisher.publish({ key: 'a', value: { n: 1 } }),
      publisher.publish({ key: 'large', value: { n: 'x'.repeat(1_100_000) } }),
      publisher.publish({ key: 'b', value: { n: 2 } }),
    ]);
    expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(large).toMatchObject({ reason: { code: 'RECORD_TOO_LARGE', details: { value: 1_100_049 } } });
    expect((large as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringMatching(/"large".*1100049 bytes.*splitRecord/),
    });
    expect(new Set(await stored())).toEqual(new Set([1, 2]));
  });

  it('its server away: messages wait, and arrive when it is back', async () => {
    const port = await freePort();
    let own = await startAerospikeDev({ port, namespaces: ['test'] });
    place = withSet(namespaceUrl(own));
    const publisher = await open();
    await publisher.publish({ key: 'a', value: { n: 1 } });
    await own.stop();
    const waiting = publisher.publish({ key: 'b', value: { n: 2 } });
    own = await startAerospikeDev({ port, namespaces: ['test'] });
    await waiting;
    expect(await stored()).toEqual([2]);
    await publisher.close();
    await own.stop();
  });

  it('a port that nobody listens on: each host is asked once, and that is an attempt', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    // Were it waited for, the test would end before.
    place = `aerospike://${nobody},${nobody}/test/s?connect_timeout=1d`;
    const publisher = await open({ retry_max: 1 });
    await expect(publisher.publish({ key: 'a', value: { n: 1 } })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('answered -10: the node refuses connections'),
    });
    expect(publisher.details()).toMatchObject({ retries: 2 });
  });

  it('hosts of which only the last is there', async () => {
    const [host] = server.hosts.split(',');
    place = place.replace(server.hosts, `127.0.0.1:${await freePort()},127.0.0.1:${await freePort()},${host}`);
    const publisher = await open({ retry_max: 1 });
    await publisher.publish({ key: 'a', value: { n: 1 } });
    expect(await stored()).toEqual([1]);
  });

  it('a failure that lasts: attempts and policies are counted as configured', async () => {
    // Longer than the test may take.
    place = place.replaceAll('=10s', '=60s');
    const publisher = await open({ retry_max: 1, policies: { timeout: 100, retry: 'POLICY_RETRY_ONCE' } });
    await server.faults.add({ kind: 'silence-after-apply', commands: 'write' });
    await expect(publisher.publish({ key: 'a', value: { n: 1 } })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each(['POLICY_GEN_EQ', 'eq'])('the generation policy %s among the policies counts', async (generation) => {
    const publisher = await open({ policies: { generation, commit_level: 'POLICY_COMMIT_LEVEL_MASTER' } });
    await publisher.publish({ key: 'g', value: { n: 1, __generation: 0 } });
    await expect(publisher.publish({ key: 'g', value: { n: 2, __generation: 7 } })).rejects.toMatchObject({
      code: 'REFUSED',
    });
  });

  it.each([
    [{ timeout: 0 }, 'policies'],
    [{ unknown: 1 }, 'policies'],
    [{ commit_level: 'some' }, 'policies'],
    [{ generation: 'constructor' }, 'policies'],
    ['text', 'policies'],
  ])('policies %j that it does not know: an error at the start', async (policies, field) => {
    await expect(openPublisher(place, { policies })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(field),
    });
  });
});

describe('the URL of a publisher', () => {
  it('names namespace and set, with the nodes as an option, also as a list of pairs', async () => {
    const [host, port] = server.hosts.split(',')[0]!.split(':');
    const before = await server.records('test');
    const publisher = await openPublisher('aerospike://test/sensors', { hosts: [[host, Number(port)]] });
    await publisher.publish({ key: 'a', value: { n: 1 } });
    await publisher.close();
    expect(await server.records('test')).toBe(before + 1);
  });

  it.each([
    ['aerospike://a:3000/test', 'INVALID_OPTION'],
    ['aerospike://localhost/test', 'INVALID_OPTION'],
    ['aerospike://test:sensors', 'INVALID_ARGUMENT'],
  ])('%s has no set', async (url, code) => {
    await expect(openPublisher(url, {})).rejects.toMatchObject({ code, details: { field: 'url' } });
  });
});
