import { createLogger, type Message, openPublisher, openSubscriber, type Subscriber } from '@millrace/core';
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
  while (messages.length < count) messages.push(await subscriber.next({ timeoutMs: 60_000 }));
  return messages.toSorted((a, b) => String(a?.key).localeCompare(String(b?.key)));
};

/** Milliseconds since the epoch, by the server's clock. */
async function timeOf(server: RedisServer): Promise<number> {
  const [seconds, microseconds] = (await redisCommand(server, 'TIME')) as readonly [string, string];
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

describe.skipIf(!serverAvailable('redis'))('keys by redis://', () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  });
  afterAll(() => Promise.all([server.stop(), cluster.stop()]));
  beforeEach(() => Promise.all([server, ...cluster.nodes].map((node) => redisCommand(node, 'FLUSHALL'))));

  it('are set to the value as JSON, with a prefix and a time to live', async () => {
    const publisher = await openPublisher(`${server.url}/sensors?ttl_seconds=600`);
    const startedAt = await timeOf(server);
    await publisher.publish({ key: 'a', value: { total: 12 } });
    await publisher.publish({ value: { __dagserver_key: 'b', __ttl_seconds: 300, unit: '°C' } });
    await publisher.close();
    const endedAt = await timeOf(server);
    expect(await redisCommand(server, 'GET', 'sensors:a')).toBe('{"total":12}');
    expect(await redisCommand(server, 'GET', 'sensors:b')).toBe('{"unit":"°C"}');
    for (const [key, seconds] of [
      ['sensors:a', 600],
      ['sensors:b', 300],
    ] as const) {
      const setAt = Number(await redisCommand(server, 'PEXPIRETIME', key)) - seconds * 1000;
      expect(setAt).toBeGreaterThanOrEqual(startedAt);
      expect(setAt).toBeLessThanOrEqual(endedAt);
    }
  });

  it('are in the database of the path', async () => {
    const publisher = await openPublisher(`${server.url}/3`);
    await publisher.publish({ key: 'a', value: 1 });
    await publisher.close();
    expect(await redisCommand(server, 'GET', 'a')).toBe(null);
    expect(await redisCommand(server, 'INFO', 'keyspace')).toContain('db3:keys=1');
  });

  it('are required: a message without one is refused, or passed over with a line in the log', async () => {
    const strict = await openPublisher(server.url);
    await expect(strict.publish({ value: { total: 1 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'key' },
    });
    await strict.close();
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: 'warn', name: 'test', destination });
    const lenient = await openPublisher(`${server.url}?on_missing_key=log`, { logger });
    await redisCommand(server, 'CONFIG', 'RESETSTAT');
    await lenient.publish({ value: { total: 1 } });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { reason: expect.stringContaining('no field __dagserver_key'), count: 1 },
    ]);
    expect(lenient.details()).toMatchObject({ offered: 0, publish_count: 0, skipped: 1, last_publish: undefined });
    expect(await redisCommand(server, 'INFO', 'commandstats')).not.toMatch(/cmdstat_(?:set|mset|ping):/);
    await lenient.close();
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

  it('have the value that was published last, also on a Cluster', async () => {
    for (const url of [`${server.url}/last?`, `${cluster.url}/last?cluster=true`]) {
      const publisher = await openPublisher(url);
      const published = Array.from({ length: 1000 }, (_, i) => publisher.publish({ key: `${i % 10}`, value: i }));
      await Promise.all(published);
      await publisher.close();
      const subscriber = await openSubscriber(url);
      const values = (await take(subscriber, 10)).map((message) => message?.value);
      expect(values).toEqual(Array.from({ length: 10 }, (_, i) => 990 + i));
      await subscriber.close();
    }
  });

  it('are looked at again after a freeze', async () => {
    const subscriber = await openSubscriber(`${server.url}/f?poll_interval=0.01`);
    subscriber.freeze();
    // A look that was under way still brings what it finds: Redis answers its two commands before these.
    for (let i = 0; i < 5; i++) await redisCommand(server, 'PING');
    await redisCommand(server, 'MSET', 'f:a', '1', 'f:b', '2');
    expect(await subscriber.next({ timeoutMs: 100 })).toBeUndefined();
    subscriber.unfreeze();
    expect(await take(subscriber, 2)).toEqual([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    await subscriber.close();
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
