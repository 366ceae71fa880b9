import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog, openKeyValueStore, openPublisher, openStateWriter, openSubscriber } from '@millrace/core';
import {
  type RedisCluster,
  redisCommand,
  type RedisServer,
  type RedisSentinel,
  serverAvailable,
  startRedis,
  startRedisCluster,
  startSentinel,
  STATE_SCHEMA,
  stateChange,
  stateEvent,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Options of a log, a state and a store are written with dashes. */
const dashed = (url: string): string =>
  url.replaceAll('tls_', 'tls-').replace('sentinel_password', 'sentinel-password');

/** Uses every contract once. The options behind the address are the same for all. */
async function useAll(login: string, host: string, path: string, options: string): Promise<void> {
  const name = randomUUID();
  for (const kind of ['stream', 'channel']) {
    const url = `redis${kind}://${login}${host}/${name}-${kind}?${options}`;
    const [publisher, subscriber] = [await openPublisher(url), await openSubscriber(url)];
    await publisher.publish({ value: kind });
    expect((await subscriber.next({ timeoutMs: 2000 }))?.value).toBe(kind);
    await Promise.all([publisher.close(), subscriber.close()]);
  }
  const url = `redis://${login}${host}${path}?${options}`;
  const publisher = await openPublisher(url, { keyPrefix: `${name}:` });
  await publisher.publish({ key: 'a', value: 1 });
  const subscriber = await openSubscriber(url, { keyPrefix: `${name}:` });
  expect(await subscriber.next({ timeoutMs: 2000 })).toEqual({ key: 'a', value: 1 });
  await Promise.all([publisher.close(), subscriber.close()]);

  const own = dashed(`${url}&prefix=${name}`);
  const log = await openEventLog(own, { partitions: 1 });
  await log.append([{ value: Buffer.from('x') }]);
  expect((await log.read(0, 0, 100)).records).toHaveLength(1);
  const writer = await openStateWriter(own, { schema: STATE_SCHEMA, partitions: 1 });
  expect(await writer.commit([stateChange([stateEvent(0)])])).toMatchObject({ applied: 1 });
  const store = await openKeyValueStore(own);
  await store.set('a', Buffer.from('b'));
  expect(await store.increment('c', 1n)).toBe(1n);
  await Promise.all([log, writer, store].map((each) => each.close()));
}

describe.skipIf(!serverAvailable('redis'))('a Redis with passwords', () => {
  let server: RedisServer;
  let host: string;

  beforeAll(async () => {
    server = await startRedis({ password: 'p@ss/word:1', appendOnly: true });
    host = `127.0.0.1:${server.port}`;
    await redisCommand(server, 'ACL', 'SETUSER', 'app', 'on', '>app#secret', '~*', '&*', '+@all');
    await redisCommand(server, 'ACL', 'SETUSER', 'reader', 'on', '>r', '~*', '&*', '+@all', '-@write');
  });
  afterAll(() => server.stop());

  it('is used with its password', () => useAll('', host, '', `password=${encodeURIComponent('p@ss/word:1')}`));

  it('is used by an ACL user', () => useAll('app:app%23secret@', host, '', ''));

  it('is used by a user in the options', () => useAll('', host, '', 'username=app&password=app%23secret'));

  it.each([
    ['/7', ''],
    ['', 'db=7'],
  ])('is used in another database, by %s%s', async (path, option) => {
    const before = await redisCommand(server, 'DBSIZE');
    await useAll('app:app%23secret@', host, path, path === '' ? option : 'db=7');
    expect(await redisCommand(server, 'DBSIZE')).toBe(before);
    expect(await redisCommand(server, 'INFO', 'keyspace')).toMatch(/db7:keys=\d+/);
  });

  it('is not used in database 0 when it has no such database, or the user may not choose', async () => {
    await redisCommand(server, 'ACL', 'SETUSER', 'zero', 'on', '>z', '~*', '&*', '+@all', '-select');
    for (const [login, code] of [
      ['app:app%23secret', 'INVALID_OPTION'],
      ['zero:z', 'UNAUTHORIZED'],
    ]) {
      const db = login === 'zero:z' ? 3 : 99;
      await expect(openKeyValueStore(`redis://${login}@${host}/${db}`)).rejects.toMatchObject({ code });
      await expect(openPublisher(`redis://${login}@${host}/${db}`)).rejects.toMatchObject({ code });
    }
  });

  it.each(['', 'wrong@', ':wrong@', 'app:wrong@', 'nobody:x@'])('is not used as "%s"', async (login) => {
    const url = `redis://${login}${host}`;
    const opened = [openPublisher(url), openSubscriber(url), openEventLog(url, {}), openKeyValueStore(url)];
    for (const each of await Promise.allSettled(opened)) {
      expect(each).toMatchObject({ reason: { code: 'UNAUTHORIZED', retry: false } });
    }
  });

  it('says so when a user may not do what is asked, whatever it is', async () => {
    const url = `redis://reader:r@${host}`;
    const publisher = await openPublisher(url);
    await expect(publisher.publish({ key: 'a', value: 1 })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await publisher.close();
    const store = await openKeyValueStore(url);
    await expect(store.set('a', Buffer.from('b'))).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(store.increment('a', 1n)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await store.close();
    await expect(openEventLog(url, {})).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(openStateWriter(url, { schema: STATE_SCHEMA, partitions: 1 })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });
});

describe.skipIf(!serverAvailable('redis'))('a Redis Cluster with a password', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ password: 'secret' });
  });
  afterAll(() => cluster.stop());

  const host = (): string => cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');

  it('is used', () => useAll(':secret@', host(), '', 'cluster=true'));

  it.each(['', ':wrong@'])('is not used as "%s"', async (login) => {
    const url = `redis://${login}${host()}?cluster=true`;
    await expect(openKeyValueStore(url)).rejects.toMatchObject({ code: 'UNAUTHORIZED', retry: false });
  });

  it('is not used as a single server', async () => {
    const node = cluster.nodes[0]!.url;
    await expect(openEventLog(node, {})).rejects.toThrow(/say cluster=true/);
  });
});

describe.skipIf(!serverAvailable('redis')).each(['one', 'mutual'] as const)('a Redis with %s-sided TLS', (sides) => {
  let server: RedisServer;
  let folder: string;
  const optionOf = (name: string, file: string): string => `${name}=${encodeURIComponent(join(folder, file))}`;
  const trusting = (): string => `tls=true&${optionOf('tls_ca', 'ca.pem')}`;
  const showing = (): string => `${optionOf('tls_cert', 'ca.pem')}&${optionOf('tls_key', 'key.pem')}`;

  beforeAll(async () => {
    server = await startRedis({ tls: sides === 'mutual' ? 'mutual' : true, password: 'secret', appendOnly: true });
    folder = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
    await writeFile(join(folder, 'ca.pem'), server.ca!);
    await writeFile(join(folder, 'key.pem'), server.key ?? '');
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const everything = (): string => (sides === 'mutual' ? `${trusting()}&${showing()}` : trusting());

  it('is used', () => useAll(':secret@', `127.0.0.1:${server.port}`, '', everything()));

  it('is used by rediss://', async () => {
    const store = await openKeyValueStore(dashed(`${server.url}?${everything()}`));
    await store.set('a', Buffer.from('b'));
    await store.close();
  });

  it('refuses who does not show what it wants, and is refused by who does not trust it', async () => {
    const url = `rediss://:secret@127.0.0.1:${server.port}`;
    await expect(openKeyValueStore(`${url}?retry-timeout=100ms`)).rejects.toThrow(/certificate/);
    const untrusting = `${url}?retry-timeout=100ms&tls-verify=false`;
    if (sides === 'one') await (await openKeyValueStore(untrusting)).close();
    else await expect(openKeyValueStore(untrusting)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(openKeyValueStore(`${url}?tls-ca=/nowhere.pem`)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'tls-ca', value: '/nowhere.pem' },
    });
  });
});

describe.skipIf(!serverAvailable('redis'))('Redis behind Sentinels that have a password', () => {
  let watched: RedisSentinel;
  let host: string;

  beforeAll(async () => {
    watched = await startSentinel({ password: 'of-redis', sentinelPassword: 'of-sentinels', appendOnly: true });
    host = watched.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  });
  afterAll(() => watched.stop());

  it('is used', () => useAll(':of-redis@', host, '', 'sentinel=main&sentinel_password=of-sentinels'));

  it.each([
    [':of-redis@', 'sentinel=main'],
    [':of-redis@', 'sentinel=main&sentinel-password=wrong'],
    [':wrong@', 'sentinel=main&sentinel-password=of-sentinels'],
  ])('is not used as %s with %s', async (login, options) => {
    await expect(openEventLog(`redis://${login}${host}?${options}`, {})).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      retry: false,
    });
  });

  it('is not used by a name that the Sentinels do not know', async () => {
    const url = `redis://:of-redis@${host}?sentinel=other&sentinel-password=of-sentinels`;
    const refusal = { code: 'INVALID_OPTION', message: expect.stringContaining('correct sentinel') as string };
    await expect(openEventLog(url, {})).rejects.toMatchObject(refusal);
  });
});
