import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, openSubscriber, type Publisher } from '@millrace/core';
import { type RedisCluster, redisCommand, serverAvailable, startRedisCluster } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** By these hash tags, one on each node. */
const newNames = (): string[] => ['a', 'b', 'c'].map((tag) => `{${tag}}${randomUUID()}`);

/** Publishes numbers until it is told to stop; resolves with how many. */
function sendUntil(publisher: Publisher, stopped: AbortSignal): Promise<number> {
  return (async () => {
    let sent = 0;
    while (!stopped.aborted) await publisher.publish({ value: sent++ });
    return sent;
  })();
}

describe.skipIf(!serverAvailable('redis'))('messages on a Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());

  const streamUrl = (name: string): string =>
    `${cluster.url.replace('redis:', 'redisstream:')}/${name}?cluster=true&retry_max_backoff=0.1`;

  it('go to every group, shared by its consumers, from streams on all nodes', async () => {
    const names = newNames();
    await Promise.all(
      names.map(async (name) => {
        const publisher = await openPublisher(streamUrl(name));
        for (let i = 0; i < 20; i++) await publisher.publish({ value: i });
        await publisher.close();
        const groups = ['a', 'a', 'b'];
        const subscribers = await Promise.all(
          groups.map((group) => openSubscriber(`${streamUrl(name)}&group=${group}`)),
        );
        const received = groups.map(() => [] as unknown[]);
        const reading = subscribers.map((subscriber, i) =>
          subscriber.subscribe(({ value }) => void received[i]!.push(value)),
        );
        await expect.poll(() => received.flat().length, { timeout: 10_000 }).toBe(40);
        await Promise.all(subscribers.map((subscriber) => subscriber.close()));
        await Promise.all(reading);
        const numbers = Array.from({ length: 20 }, (_, i) => i);
        expect([...received[0]!, ...received[1]!].toSorted((x, y) => Number(x) - Number(y))).toEqual(numbers);
        expect(received[2]).toEqual(numbers);
      }),
    );
    const sizes = await Promise.all(cluster.nodes.map((node) => redisCommand(node, 'DBSIZE')));
    expect(Math.min(...sizes.map(Number))).toBeGreaterThan(0);
  }, 20_000);

  it('are claimed from a consumer that is gone, and trimmed once every group has them', async () => {
    const name = randomUUID();
    const publisher = await openPublisher(streamUrl(name));
    for (let i = 0; i < 10; i++) await publisher.publish({ value: i });
    const url = `${streamUrl(name)}&group=g&trim_acknowledged=true&claim_idle=0.3`;
    const gone = await openSubscriber(`${url}&ack=manual&consumer=gone`);
    for (let i = 0; i < 10; i++) await gone.next();
    await gone.close();
    const heir = await openSubscriber(url);
    const values = [];
    while (values.length < 10) values.push((await heir.next({ timeoutMs: 5000 }))?.value);
    expect(values).toEqual(Array.from({ length: 10 }, (_, i) => i));
    // The last one is not acknowledged before another one is asked for.
    await expect.poll(() => cluster.command('XLEN', name), { timeout: 3000 }).toBe(1);
    await heir.next({ timeoutMs: 0 });
    await expect.poll(() => cluster.command('XLEN', name), { timeout: 3000 }).toBe(0);
    await Promise.all([publisher.close(), heir.close()]);
  }, 20_000);

  it('are not lost while their stream moves to another node', async () => {
    const name = randomUUID();
    const [publisher, subscriber] = [await openPublisher(streamUrl(name)), await openSubscriber(streamUrl(name))];
    const received: unknown[] = [];
    const reading = subscriber.subscribe(({ value }) => void received.push(value));
    const stop = new AbortController();
    const sending = sendUntil(publisher, stop.signal);
    for (let move = 0; move < 3; move++) {
      await sleep(200);
      await moveSlotOf(cluster, name);
    }
    await sleep(200);
    stop.abort();
    const sent = await sending;
    await expect.poll(() => new Set(received).size, { timeout: 10_000 }).toBe(sent);
    await Promise.all([publisher.close(), subscriber.close()]);
    await reading;
    expect(sent).toBeGreaterThan(50);
    const stored = ((await cluster.command('XRANGE', name, '-', '+')) as readonly [string, string[]][]).map(
      ([, fields]) => Number(fields[1]),
    );
    expect([...new Set(stored)]).toEqual(Array.from({ length: sent }, (_, i) => i));
  }, 30_000);

  it('are not lost while each node is killed and comes back', async () => {
    const names = newNames();
    const stop = new AbortController();
    const received = names.map(() => new Set<unknown>());
    const publishers = await Promise.all(names.map((name) => openPublisher(streamUrl(name))));
    const subscribers = await Promise.all(names.map((name) => openSubscriber(`${streamUrl(name)}&claim_idle=1`)));
    const reading = subscribers.map((subscriber, i) =>
      subscriber.subscribe(({ value }) => void received[i]!.add(value)),
    );
    const sending = Promise.all(publishers.map((publisher) => sendUntil(publisher, stop.signal)));
    for (const node of cluster.nodes) {
      await sleep(200);
      await node.kill();
      await sleep(700);
      await node.restart();
      await cluster.ready();
    }
    stop.abort();
    const sent = await sending;
    await expect.poll(() => received.map(({ size }) => size), { timeout: 20_000 }).toEqual(sent);
    await Promise.all([...publishers, ...subscribers].map((each) => each.close()));
    await Promise.all(reading);
    expect(Math.min(...sent)).toBeGreaterThan(5);
  }, 60_000);
});

/** Moves the slot of a key, and the key, to the next node, as an operator does. */
async function moveSlotOf({ nodes }: RedisCluster, key: string): Promise<void> {
  const slot = String(await redisCommand(nodes[0]!, 'CLUSTER', 'KEYSLOT', key));
  const answers = await Promise.all(
    nodes.map((node) => redisCommand(node, 'XLEN', key).catch((error: Error) => error.message)),
  );
  const from = nodes[answers.findIndex((answer) => typeof answer === 'number')]!;
  const to = nodes[(nodes.indexOf(from) + 1) % nodes.length]!;
  const [fromId, toId] = await Promise.all([from, to].map((node) => redisCommand(node, 'CLUSTER', 'MYID')));
  await redisCommand(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
  await redisCommand(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
  await redisCommand(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '5000');
  // For a moment both know the old owner: what comes is sent on by ASK.
  await sleep(100);
  for (const node of [to, from, ...nodes]) await redisCommand(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
}
