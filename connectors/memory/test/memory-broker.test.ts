import { setImmediate } from 'node:timers/promises';
import { openPublisher, openSubscriber } from '@millrace/core';
import type { Subscriber } from '@millrace/core';
import { MemoryBroker } from '@millrace/memory';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Everything that can be read without waiting. */
async function drain(subscriber: Subscriber): Promise<unknown[]> {
  const values: unknown[] = [];
  for (;;) {
    const message = await subscriber.next({ timeoutMs: 0 });
    if (message === undefined) return values;
    values.push(message.value);
  }
}

/** Whether the promise is still pending once everything that can run has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const still = Symbol('still pending');
  return (await Promise.race([promise, setImmediate(still)])) === still;
}

describe('a queue', () => {
  it('keeps messages until a subscriber comes, also when the publisher has gone', async () => {
    const broker = new MemoryBroker();
    const publisher = await broker.openPublisher('memory://queue/a');
    await publisher.publish({ value: 1 });
    await publisher.close();
    expect(await drain(await broker.openSubscriber('memory://queue/a'))).toEqual([1]);
  });

  it('gives each message to one subscriber', async () => {
    const broker = new MemoryBroker();
    const subscribers = [
      await broker.openSubscriber('memory://queue/a'),
      await broker.openSubscriber('memory://queue/a'),
    ];
    const waiting = subscribers.map((subscriber) => subscriber.next());
    const publisher = await broker.openPublisher('memory://queue/a');
    for (const value of [1, 2, 3]) await publisher.publish({ value });
    expect(await Promise.all(waiting)).toEqual([{ value: 1 }, { value: 2 }]);
    const rest = await Promise.all(subscribers.map(drain));
    expect(rest.flat()).toEqual([3]);
  });

  it('leaves what a closed subscriber has not taken to the others', async () => {
    const broker = new MemoryBroker();
    const [one, other] = [
      await broker.openSubscriber('memory://queue/a'),
      await broker.openSubscriber('memory://queue/a'),
    ];
    const waiting = one.next();
    await one.close();
    expect(await waiting).toBeUndefined();
    await (await broker.openPublisher('memory://queue/a')).publish({ value: 1 });
    expect(await drain(one)).toEqual([]);
    expect(await drain(other)).toEqual([1]);
  });
});

describe('a topic', () => {
  it('copies each message to each subscriber that is open', async () => {
    const broker = new MemoryBroker();
    const publisher = await broker.openPublisher('memory://topic/a');
    await publisher.publish({ value: 'nobody listens' });
    const first = await broker.openSubscriber('memory://topic/a');
    await publisher.publish({ value: { n: 1 } });
    const second = await broker.openSubscriber('memory://topic/a');
    await publisher.publish({ value: { n: 2 } });
    const [all, newer] = [await drain(first), await drain(second)];
    expect(all).toEqual([{ n: 1 }, { n: 2 }]);
    expect(newer).toEqual([{ n: 2 }]);
    expect(newer[0]).not.toBe(all[1]);
  });

  it('lets a closed subscriber read what it had received, and nothing newer', async () => {
    const broker = new MemoryBroker();
    const [publisher, subscriber] = [
      await broker.openPublisher('memory://topic/a'),
      await broker.openSubscriber('memory://topic/a'),
    ];
    for (const value of [1, 2]) await publisher.publish({ value });
    await subscriber.close();
    await publisher.publish({ value: 3 });
    const values: unknown[] = [];
    for await (const { value } of subscriber) values.push(value);
    expect(values).toEqual([1, 2]);
  });

  it('waits for the slowest subscriber, until that one closes', async () => {
    const broker = new MemoryBroker();
    const url = 'memory://topic/a?max_size=1';
    const [fast, slow] = [await broker.openSubscriber(url), await broker.openSubscriber(url)];
    const publisher = await broker.openPublisher(url);
    await publisher.publish({ value: 1 });
    const second = publisher.publish({ value: 2 });
    expect(await drain(fast)).toEqual([1, 2]);
    expect(await isPending(second)).toBe(true);
    await slow.close();
    await second;
    expect(await drain(slow)).toEqual([1]);
  });
});

describe('names', () => {
  it('a topic may be called as a queue, and a queue as a topic', async () => {
    const broker = new MemoryBroker();
    const url = 'memory://topic/my_queue_x';
    const subscribers = [await broker.openSubscriber(url), await broker.openSubscriber(url)];
    await (await broker.openPublisher(url)).publish({ value: 1 });
    expect(await Promise.all(subscribers.map(drain))).toEqual([[1], [1]]);
    await (await broker.openPublisher('memory://queue/topic')).publish({ value: 2 });
    expect(await drain(await broker.openSubscriber('memory://queue/topic'))).toEqual([2]);
  });

  it('of queues and topics are apart, and so are paths and escapes told apart', async () => {
    const broker = new MemoryBroker();
    await (await broker.openPublisher('memory://queue/a')).publish({ value: 1 });
    await (await broker.openPublisher('memory://queue/a/b')).publish({ value: 2 });
    const topic = await broker.openSubscriber('memory://topic/a');
    expect(await drain(topic)).toEqual([]);
    expect(await drain(await broker.openSubscriber('MEMORY://Queue/a'))).toEqual([1]);
    expect(await drain(await broker.openSubscriber('memory://queue/a%2Fb'))).toEqual([2]);
  });

  it.each([
    'memory:',
    'memory://orders',
    'memory://queue',
    'memory://queue/',
    'memory://stack/a',
    'memory://queue/%zz',
    'memory://queue/a?max_size=0',
    'memory://queue/a?max_size=',
    'memory://queue/a?max_size=1e9999',
    'memory://queue/a?max_size=-1',
  ])('refuses %s', async (url) => {
    const broker = new MemoryBroker();
    const code = expect.stringMatching(/^INVALID_(ARGUMENT|OPTION)$/) as string;
    const refusal = { code, message: expect.stringContaining(url) as string };
    await expect(broker.openPublisher(url)).rejects.toMatchObject(refusal);
    await expect(broker.openSubscriber(url)).rejects.toMatchObject(refusal);
  });

  it('suggests the parameter that was meant', async () => {
    const opened = new MemoryBroker().openPublisher('memory://queue/a?maxsize=5');
    await expect(opened).rejects.toThrow('maxsize is unknown: did you mean max_size?');
  });
});

describe('the bound', () => {
  it('makes a publisher wait, and lets it go on in order', async () => {
    const broker = new MemoryBroker();
    const publisher = await broker.openPublisher('memory://queue/a?max_size=2');
    const published = [1, 2, 3, 4].map((value) => publisher.publish({ value }));
    await Promise.all(published.slice(0, 2));
    expect(await isPending(published.at(2)!)).toBe(true);
    const subscriber = await broker.openSubscriber('memory://queue/a');
    expect(await subscriber.next()).toEqual({ value: 1 });
    await published[2];
    expect(await isPending(published.at(3)!)).toBe(true);
    expect(await drain(subscriber)).toEqual([2, 3, 4]);
    await published[3];
  });

  it('makes close wait for the publishes that wait', async () => {
    const broker = new MemoryBroker();
    const publisher = await broker.openPublisher('memory://queue/a?max_size=1');
    const published = [1, 2].map((value) => publisher.publish({ value }));
    const closed = publisher.close();
    expect(await isPending(closed)).toBe(true);
    expect(await drain(await broker.openSubscriber('memory://queue/a'))).toEqual([1, 2]);
    await Promise.all([...published, closed]);
  });

  it('is that of who came first; another one is refused while it is in use', async () => {
    const broker = new MemoryBroker();
    const first = await broker.openPublisher('memory://queue/a?max_size=2');
    await expect(broker.openSubscriber('memory://queue/a?max_size=3')).rejects.toThrow('is in use with max_size=2');
    await expect(broker.openSubscriber('memory://queue/a?max_size=2')).resolves.toBeDefined();
    await first.close();
  });

  it('is forgotten with an empty name that nobody uses', async () => {
    const broker = new MemoryBroker();
    await (await broker.openPublisher('memory://queue/a?max_size=2')).close();
    const publisher = await broker.openPublisher('memory://queue/a?max_size=3');
    await publisher.publish({ value: 1 });
    await publisher.close();
    await expect(broker.openPublisher('memory://queue/a?max_size=4')).rejects.toThrow('is in use with max_size=3');
  });
});

it('neither loses, doubles nor reorders, whoever waits for whom', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom('publish', 'take', 'try', 'abort'), { maxLength: 60 }),
      async (maxSize, steps) => {
        const broker = new MemoryBroker();
        const publisher = await broker.openPublisher(`memory://queue/a?max_size=${maxSize}`);
        const subscriber = await broker.openSubscriber('memory://queue/a');
        const published: Promise<void>[] = [];
        const taken: ReturnType<Subscriber['next']>[] = [];
        for (const step of steps) {
          if (step === 'publish') published.push(publisher.publish({ value: published.length }));
          else if (step === 'take') taken.push(subscriber.next());
          else if (step === 'try') taken.push(subscriber.next({ timeoutMs: 0 }));
          else await expect(subscriber.next({ signal: AbortSignal.abort() })).rejects.toThrow('aborted');
        }
        const rest = await drain(subscriber);
        await subscriber.close();
        await Promise.all(published);
        const values = (await Promise.all(taken)).flatMap((message) => message?.value ?? []);
        expect([...values, ...rest]).toEqual([...published.keys()]);
      },
    ),
  );
});

it('takes 200,000 messages through a queue in order', async () => {
  const broker = new MemoryBroker();
  const publisher = await broker.openPublisher('memory://queue/a');
  const subscriber = await broker.openSubscriber('memory://queue/a');
  const published = Promise.all(Array.from({ length: 200_000 }, (_, value) => publisher.publish({ value })));
  const values = await drain(subscriber);
  await published;
  expect(values.every((value, index) => value === index)).toBe(true);
  expect(values).toHaveLength(200_000);
});

it('is reached by URL through the registry, where a name is one place in the process', async () => {
  const subscriber = await openSubscriber('memory://queue/of-the-process');
  const publisher = await openPublisher('memory://queue/of-the-process');
  await publisher.publish({ key: 'k', value: [1] });
  expect(await subscriber.next()).toEqual({ key: 'k', value: [1] });
  await publisher.close();
  await subscriber.close();
});
