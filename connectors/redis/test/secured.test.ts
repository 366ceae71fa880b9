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
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useAll } from './use-all.ts';

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
