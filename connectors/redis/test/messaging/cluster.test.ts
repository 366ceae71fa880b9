import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, openSubscriber, type Publisher } from '@millrace/core';
import { type RedisCluster, redisCommand, serverAvailable, startRedisCluster } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

/** By these hash tags, one on each node. */
const newNames = (): string[] => ['a', 'b', 'c'].map((tag) => `{${tag}}${randomUUID()}`);

interface Sending {
  /** So many numbers have been published. */
  readonly count: number;
  /** Publishes no more; resolves with how many there are. */
  stop(): Promise<number>;
}

/** Publishes numbers, one after the other. */
function startSending(publisher: Publisher): Sending {
  let count = 0;
  const stopped = new AbortController();
  const sending = (async () => {
    for (; !stopped.signal.aborted; count++) await publisher.publish({ value: count });
  })();
  return {
    get count() {
      return count;
    },
    async stop() {
      stopped.abort();
      await sending;
      return count;
    },
  };
}

/** Resolves when so many more have been published. */
async function moreThan(sending: readonly Sending[], more: number): Promise<void> {
  const before = sending.map(({ count }) => count);
  await expect.poll(() => Math.min(...sending.map(({ count }, i) => count - before[i]!))).toBeGreaterThan(more);
}

describe.skipIf(!serverAvailable('redis'))('messages on a Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());

  const streamUrl = (name: string, { url } = cluster): string =>
    `${url.replace('redis:', 'redisstream:')}/${name}?cluster=true&retry_max_backoff=0.1`;

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
        await expect.poll(() => received.flat().length).toBe(40);
        await Promise.all(subscribers.map((subscriber) => subscriber.close()));
        await Promise.all(reading);
        const numbers = Array.from({ length: 20 }, (_, i) => i);
        expect([...received[0]!, ...received[1]!].toSorted((x, y) => Number(x) - Number(y))).toEqual(numbers);
        expect(received[2]).toEqual(numbers);
      }),
    );
    const sizes = await Promise.all(cluster.nodes.map((node) => redisCommand(node, 'DBSIZE')));
    expect(Math.min(...sizes.map(Number))).toBeGreaterThan(0);
  });

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
    while (values.length < 10) values.push((await heir.next({ timeoutMs: 60_000 }))?.value);
    expect(values).toEqual(Array.from({ length: 10 }, (_, i) => i));
    // The last one is not acknowledged before another one is asked for.
    await expect.poll(() => cluster.command('XLEN', name)).toBe(1);
    await heir.next({ timeoutMs: 0 });
    await expect.poll(() => cluster.command('XLEN', name)).toBe(0);
    await Promise.all([publisher.close(), heir.close()]);
  });

  it('are not lost while their stream moves to another node', async () => {
    const name = randomUUID();
    const [publisher, subscriber] = [await openPublisher(streamUrl(name)), await openSubscriber(streamUrl(name))];
    const received: unknown[] = [];
    const reading = subscriber.subscribe(({ value }) => void received.push(value));
    const sending = startSending(publisher);
    for (let move = 0; move < 3; move++) {
      await moreThan([sending], 15);
      await moveSlotOf(cluster, name);
    }
    await moreThan([sending], 15);
    const sent = await sending.stop();
    await expect.poll(() => new Set(received).size).toBe(sent);
    await Promise.all([publisher.close(), subscriber.close()]);
    await reading;
    const stored = ((await cluster.command('XRANGE', name, '-', '+')) as readonly [string, string[]][]).map(
      ([, fields]) => Number(fields[1]),
    );
    expect([...new Set(stored)]).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  it('are not lost while each node is killed and comes back', async () => {
    const mortal = await startRedisCluster({ appendOnly: true, nodeTimeoutMs: 500 });
    onTestFinished(() => mortal.stop());
    const names = newNames();
    const urls = names.map((name) => streamUrl(name, mortal));
    const received = names.map(() => new Set<unknown>());
    const publishers = await Promise.all(urls.map((url) => openPublisher(url)));
    const subscribers = await Promise.all(urls.map((url) => openSubscriber(`${url}&claim_idle=1`)));
    const reading = subscribers.map((subscriber, i) =>
      subscriber.subscribe(({ value }) => void received[i]!.add(value)),
    );
    const sending = publishers.map((publisher) => startSending(publisher));
    for (const node of mortal.nodes) {
      await moreThan(sending, 5);
      await node.kill();
      await sleep(700);
      await node.restart();
      await mortal.ready();
    }
    await moreThan(sending, 5);
    const sent = await Promise.all(sending.map((each) => each.stop()));
    await expect.poll(() => received.map(({ size }) => size)).toEqual(sent);
    await Promise.all([...publishers, ...subscribers].map((each) => each.close()));
    await Promise.all(reading);
  });
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
  await redisCommand(from, 'MIGRATE', '127.0.0.1', String(to.port), key, '0', '60000');
  // For a moment both know the old owner: what comes is sent on by ASK.
  await sleep(100);
  for (const node of [to, from, ...nodes]) await redisCommand(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
}
