import { randomUUID } from 'node:crypto';
import { createLogger, openPublisher, openSubscriber } from '@millrace/core';
import {
  redisCommand,
  type RedisCluster,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
  startTcpProxy,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe.skipIf(!serverAvailable('redis'))('channels by redischannel://', () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  });
  afterAll(() => Promise.all([server.stop(), cluster.stop()]));

  it('need a name', async () => {
    await expect(openPublisher(`redischannel://127.0.0.1:${server.port}`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'url' },
    });
  });

  it('carry the value only, and slashes in their names', async () => {
    const name = `alerts/${randomUUID()}`;
    const url = `redischannel://127.0.0.1:${server.port}/${name}`;
    const [publisher, subscriber] = [await openPublisher(url), await openSubscriber(url)];
    await publisher.publish({ key: 'lost', value: 1, headers: { also: 'lost' } });
    await redisCommand(server, 'PUBLISH', name, 'plain text');
    expect(await subscriber.next()).toEqual({ value: 1 });
    expect(JSON.stringify(await subscriber.next())).toContain('plain text');
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it.each([
    ['any', ['+@all']],
    ['one who may run no scripts', ['+@all', '-@scripting']],
  ])('take a burst from %s user, in order', async (_name, rules) => {
    const [name, user] = [`burst-${randomUUID()}`, `user-${randomUUID()}`];
    await redisCommand(server, 'ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', ...rules);
    const subscriber = await openSubscriber(`redischannel://127.0.0.1:${server.port}/${name}`);
    const publisher = await openPublisher(`redischannel://${user}:secret@127.0.0.1:${server.port}/${name}`);
    const values = Array.from({ length: 3000 }, (_, index) => index);
    await Promise.all(values.map((value) => publisher.publish({ value })));
    const received: unknown[] = [];
    while (received.length < values.length) received.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
    expect(received).toEqual(values);
    expect(await subscriber.next({ timeoutMs: 100 })).toBeUndefined();
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('can be subscribed by pattern: the key is the channel', async () => {
    const base = `redischannel://127.0.0.1:${server.port}/p-`;
    const subscriber = await openSubscriber(`${base}*?pattern=true`);
    const publishers = await Promise.all(['a', 'b'].map((name) => openPublisher(base + name)));
    for (const publisher of publishers) await publisher.publish({ value: 1 });
    expect(await subscriber.next()).toEqual({ key: 'p-a', value: 1 });
    expect(await subscriber.next()).toEqual({ key: 'p-b', value: 1 });
    await Promise.all([...publishers, subscriber].map((each) => each.close()));
  });

  it('reach all nodes of a Cluster', async () => {
    const [one, , three] = cluster.nodes.map(({ port }) => `redischannel://127.0.0.1:${port}/all?cluster=true`);
    const [publisher, subscriber] = [await openPublisher(one!), await openSubscriber(three!)];
    await publisher.publish({ value: 'hello' });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({ value: 'hello' });
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('deliver again after a cut, and the gap is counted', async () => {
    const proxy = await startTcpProxy({ target: server });
    const name = randomUUID();
    const publisher = await openPublisher(`redischannel://127.0.0.1:${server.port}/${name}`);
    const subscriber = await openSubscriber(`redischannel://127.0.0.1:${proxy.port}/${name}`);
    await publisher.publish({ value: 'before' });
    expect(await subscriber.next()).toEqual({ value: 'before' });
    proxy.cut();
    const subscribers = async (): Promise<unknown> =>
      ((await redisCommand(server, 'PUBSUB', 'NUMSUB', name)) as readonly unknown[])[1];
    await expect.poll(() => subscriber.details().reconnects).toBe(1);
    await expect.poll(subscribers).toBe(1);
    await publisher.publish({ value: 'after' });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({ value: 'after' });
    await Promise.all([publisher.close(), subscriber.close()]);
    await proxy.stop();
  });

  it('take a silent channel for no lost one', async () => {
    const pings = async (): Promise<number> => {
      const statistics = String(await redisCommand(server, 'INFO', 'commandstats'));
      return Number(/^cmdstat_ping:calls=(\d+)/m.exec(statistics)?.[1] ?? 0);
    };
    const url = `redischannel://127.0.0.1:${server.port}/${randomUUID()}?command_timeout=3s`;
    const subscriber = await openSubscriber(url);
    const before = await pings();
    // Asked again, so the first answer was taken for a sign of life.
    await expect.poll(pings).toBeGreaterThan(before + 1);
    expect(subscriber.details().reconnects).toBe(0);
    await subscriber.close();
  });

  it('notice within the command timeout that nothing comes any more, connect again, and count the gap', async () => {
    const proxy = await startTcpProxy({ target: server });
    const name = randomUUID();
    const publisher = await openPublisher(`redischannel://127.0.0.1:${server.port}/${name}`);
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: 'warn', name: 'test', destination });
    const url = `redischannel://127.0.0.1:${proxy.port}/${name}?command_timeout=600ms`;
    const subscriber = await openSubscriber(url, { logger });
    const { reconnects } = subscriber.details();
    proxy.blackHole(true);
    await publisher.publish({ value: 'unheard' });
    await expect.poll(() => subscriber.details().connected).toBe(false);
    expect(lines.join('')).toContain('not even to a PING');
    proxy.cut();
    proxy.blackHole(false);
    await expect.poll(() => subscriber.details().reconnects).toBeGreaterThan(reconnects);
    // A busy machine may be silent for as long once more, and a channel keeps nothing.
    const heard = async (): Promise<unknown> => {
      await publisher.publish({ value: 'heard' });
      return subscriber.next({ timeoutMs: 200 });
    };
    await expect.poll(heard).toEqual({ value: 'heard' });
    await Promise.all([publisher.close(), subscriber.close()]);
    await proxy.stop();
  });

  it('go on with another node of a Cluster when the only one in the URL is gone', async () => {
    const proxy = await startTcpProxy({ target: cluster.nodes[0]! });
    const open = `redischannel://127.0.0.1:${proxy.port}/moving?cluster=true`;
    const [publisher, subscriber] = [await openPublisher(open), await openSubscriber(open)];
    await publisher.publish({ value: 'before' });
    expect(await subscriber.next()).toEqual({ value: 'before' });
    proxy.refuse();
    proxy.cut();
    const listeners = async (): Promise<number> => {
      const counts = await Promise.all(cluster.nodes.map((node) => redisCommand(node, 'PUBSUB', 'NUMSUB', 'moving')));
      return counts.reduce((sum: number, count) => sum + Number((count as readonly unknown[])[1]), 0);
    };
    await expect.poll(listeners).toBe(1);
    await expect.poll(() => subscriber.details().reconnects).toBe(1);
    await publisher.publish({ value: 'after' });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({ value: 'after' });
    await Promise.all([publisher.close(), subscriber.close()]);
    await proxy.stop();
  });

  it('keep the order of a burst on a Cluster', async () => {
    const urls = cluster.nodes.map(({ port }) => `redischannel://127.0.0.1:${port}/burst?cluster=true`);
    const [publisher, subscriber] = [await openPublisher(urls[0]!), await openSubscriber(urls[2]!)];
    const values = Array.from({ length: 5000 }, (_, index) => index);
    await Promise.all(values.map((value) => publisher.publish({ value })));
    const received: unknown[] = [];
    while (received.length < values.length) received.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
    expect(received).toEqual(values);
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('hold back a subscriber that cannot keep up', async () => {
    const url = `redischannel://127.0.0.1:${server.port}/${randomUUID()}`;
    const publisher = await openPublisher(url);
    const subscriber = await openSubscriber(`${url}?max_depth=100`);
    const count = 30_000;
    await Promise.all(Array.from({ length: count }, (_, i) => publisher.publish({ value: i })));
    for (let i = 0; i < count; i++) expect((await subscriber.next({ timeoutMs: 60_000 }))?.value).toBe(i);
    await Promise.all([publisher.close(), subscriber.close()]);
  });
});
