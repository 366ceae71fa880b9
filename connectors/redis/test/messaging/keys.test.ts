import { type Message, openPublisher, openSubscriber, type Subscriber } from '@millrace/core';
import {
  redisCommand,
  type RedisCluster,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
} from '@millrace/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const take = async (subscriber: Subscriber, count: number): Promise<(Message | undefined)[]> => {
  const messages: (Message | undefined)[] = [];
  while (messages.length < count) messages.push(await subscriber.next({ timeoutMs: 2000 }));
  return messages.toSorted((a, b) => String(a?.key).localeCompare(String(b?.key)));
};

describe.skipIf(!serverAvailable('redis'))('keys by redis://', () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  });
  afterAll(() => Promise.all([server.stop(), cluster.stop()]));
  beforeEach(() => redisCommand(server, 'FLUSHALL'));

  it('are set to the value as JSON, with a prefix and a time to live', async () => {
    const publisher = await openPublisher(`${server.url}/sensors?ttl_seconds=60`);
    await publisher.publish({ key: 'a', value: { total: 12 } });
    await publisher.publish({ value: { __dagserver_key: 'b', __ttl_seconds: 5, unit: '°C' } });
    await publisher.close();
    expect(await redisCommand(server, 'GET', 'sensors:a')).toBe('{"total":12}');
    expect(await redisCommand(server, 'TTL', 'sensors:a')).toBe(60);
    expect(await redisCommand(server, 'GET', 'sensors:b')).toBe('{"unit":"°C"}');
    expect(await redisCommand(server, 'TTL', 'sensors:b')).toBe(5);
  });

  it('are in the database of the path', async () => {
    const publisher = await openPublisher(`${server.url}/3`);
    await publisher.publish({ key: 'a', value: 1 });
    await publisher.close();
    expect(await redisCommand(server, 'GET', 'a')).toBe(null);
    expect(await redisCommand(server, 'INFO', 'keyspace')).toContain('db3:keys=1');
  });

  it('are required: a message without one is refused, or dropped with a warning where that is wanted', async () => {
    const strict = await openPublisher(server.url);
    await expect(strict.publish({ value: { total: 1 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'key' },
    });
    await strict.close();
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const lenient = await openPublisher(`${server.url}?on_missing_key=log`);
    await lenient.publish({ value: { total: 1 } });
    await lenient.close();
    expect(await warned).toMatchObject({ code: 'MILLRACE_MISSING_KEY' });
    expect(await redisCommand(server, 'DBSIZE')).toBe(0);
  });

  it('are refused one by one where the user may not write them', async () => {
    const rules = ['ACL', 'SETUSER', 'limited', 'on', '>secret', '~ok:*', '+@all'];
    await redisCommand(server, ...rules);
    const publisher = await openPublisher(server.url.replace('redis://', 'redis://limited:secret@'));
    const results = await Promise.allSettled(
      ['ok:1', 'ok:2', 'other', 'ok:3'].map((key) => publisher.publish({ key, value: key })),
    );
    await publisher.close();
    expect(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'sent'))).toEqual([
      'sent',
      'sent',
      'UNAUTHORIZED',
      'sent',
    ]);
    expect(await redisCommand(server, 'MGET', 'ok:2', 'other', 'ok:3')).toEqual(['"ok:2"', null, '"ok:3"']);
  });

  it('are delivered when they are new and when they have changed', async () => {
    const publisher = await openPublisher(`${server.url}/s`);
    const subscriber = await openSubscriber(`${server.url}/s?poll_interval=0.02`);
    await redisCommand(server, 'SET', 'other', '1');
    await redisCommand(server, 'LPUSH', 's:list', '1');
    for (const key of ['a', 'b']) await publisher.publish({ key, value: 1 });
    expect(await take(subscriber, 2)).toEqual([
      { key: 'a', value: 1 },
      { key: 'b', value: 1 },
    ]);
    await publisher.publish({ key: 'b', value: 2 });
    expect(await take(subscriber, 1)).toEqual([{ key: 'b', value: 2 }]);
    expect(await subscriber.next({ timeoutMs: 100 })).toBeUndefined();
    expect(await redisCommand(server, 'GET', 's:b')).toBe('2');
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('are deleted once they are acknowledged, unless they have changed', async () => {
    await redisCommand(server, 'SET', 'job:1', '"old"');
    const subscriber = await openSubscriber(
      `${server.url}?key_pattern=job:*&delete_on_read=true&poll_interval=0.02&ack=manual`,
    );
    const [first] = await take(subscriber, 1);
    expect(first).toEqual({ key: 'job:1', value: 'old' });
    await redisCommand(server, 'SET', 'job:1', '"new"');
    subscriber.acknowledge(first!);
    const [second] = await take(subscriber, 1);
    expect(second).toEqual({ key: 'job:1', value: 'new' });
    expect(await redisCommand(server, 'EXISTS', 'job:1')).toBe(1);
    subscriber.acknowledge(second!);
    await expect.poll(() => redisCommand(server, 'EXISTS', 'job:1')).toBe(0);
    await subscriber.close();
  });

  it('are spread over a Cluster, in both directions', async () => {
    const url = `${cluster.nodes[0]!.url}/c?cluster=true`;
    const publisher = await openPublisher(url);
    const subscriber = await openSubscriber(`${url}&delete_on_read=true`);
    const keys = Array.from({ length: 50 }, (_, i) => `key-${String(i).padStart(2, '0')}`);
    await Promise.all(keys.map((key) => publisher.publish({ key, value: key })));
    expect(await take(subscriber, 50)).toEqual(keys.map((key) => ({ key, value: key })));
    await Promise.all([publisher.close(), subscriber.close()]);
    const left = await Promise.all(cluster.nodes.map((node) => redisCommand(node, 'DBSIZE')));
    // The last one given away counts as done only when the next one is asked for.
    expect(left.map(Number).reduce((a, b) => a + b)).toBeLessThanOrEqual(1);
  });
});
