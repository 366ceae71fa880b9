import { randomUUID } from 'node:crypto';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { type Message, openPublisher, openSubscriber } from '@millrace/core';
import {
  expectAcknowledgedAtClose,
  redisCommand,
  type RedisServer,
  serverAvailable,
  startRedis,
  startTcpProxy,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseRedisUrl, plainRedisOptions } from '../../src/address.ts';
import { StreamSource } from '../../src/subscriber/stream-source.ts';

describe.skipIf(!serverAvailable('redis'))('streams by redisstream://', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ appendOnly: true });
  });
  afterAll(() => server.stop());

  const newStream = (): { readonly name: string; readonly url: string } => {
    const name = randomUUID();
    return { name, url: `redisstream://127.0.0.1:${server.port}/${name}` };
  };

  it('carry headers, and give foreign entries as objects', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(url);
    await publisher.publish({ key: 'k', value: [1], headers: { trace: 'abc' } });
    await redisCommand(server, 'XADD', name, '*', 'sensor', '7', 'unit', 'K');
    await redisCommand(server, 'XADD', name, '*', 'data', '2', 'headers', 'not json');
    const subscriber = await openSubscriber(url);
    expect(await subscriber.next()).toEqual({ key: 'k', value: [1], headers: { trace: 'abc' } });
    expect(await subscriber.next()).toEqual({ value: { sensor: '7', unit: 'K' } });
    expect(await subscriber.next()).toEqual({ value: 2 });
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('are shared by the consumers of a group, and go to every group', async () => {
    const { url } = newStream();
    const publisher = await openPublisher(url);
    const subscribers = await Promise.all(['a', 'a', 'b'].map((group) => openSubscriber(`${url}?group=${group}`)));
    const received: unknown[][] = [[], [], []];
    const readers = subscribers.map((subscriber, i) =>
      subscriber.subscribe(({ value }) => void received[i]!.push(value)),
    );
    for (let i = 0; i < 200; i++) await publisher.publish({ value: i });
    await expect.poll(() => received[0]!.length + received[1]!.length).toBe(200);
    await expect.poll(() => received[2]!.length).toBe(200);
    await publisher.close();
    await Promise.all(subscribers.map((subscriber) => subscriber.close()));
    await Promise.all(readers);
    expect(new Set([...received[0]!, ...received[1]!]).size).toBe(200);
    expect(received[2]).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('are acknowledged at close when a handler finishes them meanwhile', async () => {
    const { url } = newStream();
    const publisher = await openPublisher(url);
    await expectAcknowledgedAtClose(publisher, () => openSubscriber(`${url}?group=g&consumer=first`));
    await publisher.close();
  });

  it('come again: to the same consumer at once, to another one when they have been idle', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(url);
    for (let i = 0; i < 4; i++) await publisher.publish({ value: i });
    await publisher.close();
    const own = `${url}?group=g&consumer=first&ack=manual`;
    const first = await openSubscriber(own);
    const messages = [await first.next(), await first.next()];
    first.acknowledge(messages[0]!);
    await first.close();
    const again = await openSubscriber(own);
    expect((await again.next())?.value).toBe(1);
    await again.close();
    const other = await openSubscriber(`${url}?group=g&claim_idle=0.2`);
    const values: unknown[] = [];
    while (values.length < 3) values.push((await other.next({ timeoutMs: 60_000 }))?.value);
    expect(values).toEqual([1, 2, 3]);
    await other.next({ timeoutMs: 0 });
    await other.close();
    const pending = (await redisCommand(server, 'XPENDING', name, 'g')) as readonly unknown[];
    expect(pending[0]).toBe(0);
  });

  it('come again at once after a close in order: a member that nobody named will not be back', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(url);
    await publisher.publish({ value: 'left' });
    await publisher.close();
    // For as long as no test runs.
    const member = `${url}?group=g&claim_idle=1h`;
    const first = await openSubscriber(`${member}&ack=manual`);
    expect((await first.next())?.value).toBe('left');
    await first.close();
    const second = await openSubscriber(member);
    expect(await second.next({ timeoutMs: 60_000 })).toMatchObject({ value: 'left' });
    await second.next({ timeoutMs: 0 });
    await second.close();
    expect(((await redisCommand(server, 'XPENDING', name, 'g')) as readonly unknown[])[0]).toBe(0);
  });

  it('are not claimed from ourselves while the application works on them', async () => {
    const { url } = newStream();
    const publisher = await openPublisher(url);
    await publisher.publish({ value: 'slow' });
    const subscriber = await openSubscriber(`${url}?claim_idle=0.1&ack=manual`);
    expect((await subscriber.next())?.value).toBe('slow');
    expect(await subscriber.next({ timeoutMs: 600 })).toBeUndefined();
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('are acknowledged while the next ones are waited for', async () => {
    const { name } = newStream();
    const { address } = parseRedisUrl(server.url, plainRedisOptions);
    const group = { group: 'g', consumer: 'c', isNamed: true, from: { after: '0-0' }, claimIdle: 30_000 } as const;
    const { signal } = new AbortController();
    const source = await StreamSource.connect(address, { ...group, stream: name, trimAcknowledged: false }, signal);
    const inTime: boolean[] = [];
    // Whether this process stands still for as long as the wait is not ours to decide: once in ten rounds is enough.
    while (inTime.length < 10 && !inTime.includes(true)) {
      await redisCommand(server, 'XADD', name, '*', 'data', '1');
      const received = await source.receive(1, signal);
      let isOver = false;
      const waiting = source.receive(1, signal).then(() => (isOver = true));
      await source.acknowledge!(received!);
      // Answers that came together have both been taken by then.
      await immediate();
      inTime.push(!isOver);
      await waiting;
    }
    expect(inTime).toContain(true);
    expect(((await redisCommand(server, 'XPENDING', name, 'g')) as readonly unknown[])[0]).toBe(0);
    await source.close();
  });

  it('wait in a slow member for longer than claim_idle without being claimed; those of a dead one are', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(url);
    for (let i = 0; i < 60; i++) await publisher.publish({ value: i });
    await publisher.close();
    const proxy = await startTcpProxy({ target: server });
    const member = `redisstream://127.0.0.1:${proxy.port}/${name}?group=g&claim_idle=2`;
    // Holds 20, and acknowledges none.
    const dying = await openSubscriber(`${member}&ack=manual&max_depth=20`);
    await expect.poll(() => dying.details().current_depth).toBe(20);
    const slow = await openSubscriber(`${url}?group=g&claim_idle=2&max_depth=20`);
    const received: number[] = [];
    const worker = async ({ value }: Message): Promise<void> => {
      received.push(value as number);
      await sleep(200);
    };
    await expect.poll(() => slow.details().current_depth).toBe(20);
    const working = slow.subscribe(worker);
    const quick = await openSubscriber(`${url}?group=g&claim_idle=2`);
    const helping = quick.subscribe(({ value }) => void received.push(value as number));
    // All but the twenty: one by one, for twice as long as claim_idle.
    await expect.poll(() => received.length).toBe(40);
    await sleep(2500);
    expect(new Set(received).size).toBe(40);
    expect(received.length).toBe(40);
    await proxy.stop();
    await expect.poll(() => received.length).toBe(60);
    expect(received.toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 60 }).keys()]);
    await Promise.all([dying.close(), slow.close(), quick.close()]);
    await Promise.all([working, helping]);
  });

  it('lose what all groups have acknowledged, where that is wanted', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(url);
    const fast = await openSubscriber(`${url}?group=fast&trim_acknowledged=true`);
    const slow = await openSubscriber(`${url}?group=slow&ack=manual`);
    for (let i = 0; i < 50; i++) await publisher.publish({ value: i });
    for (let i = 0; i < 50; i++) await fast.next();
    const held = await slow.next();
    await sleep(1100);
    await publisher.publish({ value: 50 });
    await fast.next();
    await fast.next({ timeoutMs: 50 });
    expect(await redisCommand(server, 'XLEN', name)).toBe(51);
    slow.acknowledge(held!);
    for (let i = 1; i <= 50; i++) slow.acknowledge((await slow.next())!);
    // Both have the last one, and nothing comes after it.
    await expect.poll(() => redisCommand(server, 'XLEN', name)).toBe(0);
    await publisher.publish({ value: 51 });
    expect((await fast.next())?.value).toBe(51);
    await fast.next({ timeoutMs: 50 });
    await sleep(1100);
    expect(await redisCommand(server, 'XLEN', name)).toBe(1);
    await Promise.all([publisher.close(), fast.close(), slow.close()]);
  });

  it('are bounded by number where that is wanted', async () => {
    const { name, url } = newStream();
    const publisher = await openPublisher(`${url}?maxlen=100`);
    await Promise.all(Array.from({ length: 1000 }, (_, i) => publisher.publish({ value: i })));
    expect(await redisCommand(server, 'XLEN', name)).toBeLessThan(300);
    await publisher.close();
  });

  it('lose nothing over 20 cut connections and two restarts', async () => {
    const proxy = await startTcpProxy({ target: server });
    const url = `redisstream://127.0.0.1:${proxy.port}/${randomUUID()}`;
    const publisher = await openPublisher(url);
    const subscriber = await openSubscriber(`${url}?claim_idle=0.5`);
    const received = new Set<unknown>();
    const reading = subscriber.subscribe(({ value }) => void received.add(value));
    let sent = 0;
    const sending = new AbortController();
    const sender = (async () => {
      while (!sending.signal.aborted) await publisher.publish({ value: sent++ });
    })();
    for (let i = 0; i < 20; i++) {
      await sleep(30 + 50 * Math.random());
      // A busy machine may need longer than that for a new connection.
      const before = sent;
      await expect.poll(() => sent, { interval: 5 }).toBeGreaterThan(before + 2);
      proxy.cut();
      if (i === 7 || i === 14) {
        await server.kill();
        await server.restart();
      }
    }
    sending.abort();
    await sender;
    await expect.poll(() => received.size).toBe(sent);
    expect(sent).toBeGreaterThan(50);
    expect(publisher.details().reconnects).toBeGreaterThan(5);
    await Promise.all([publisher.close(), subscriber.close()]);
    await reading;
    await proxy.stop();
  });
});
