import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  FanInSubscriber,
  HolderSubscriber,
  HolderPublisher,
  MetronomeSubscriber,
  publishMetronome,
} from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { createRegistry, subscriberOf } from '../../../src/index.ts';
import { defineOptions, defineSource } from '../../../src/index.ts';
import type { Received, SubscriberConfig } from '../../../src/index.ts';

/** Numbers from 1 on; ends behind `last`. */
function countingSource(name: string, last: number) {
  const acknowledged: number[] = [];
  let given = 0;
  const source = defineSource({
    options: defineOptions('counting', {}),
    prepare: () => ({
      connect: async () => ({
        receive: async (max, signal) => {
          if (given >= last || signal.aborted) return signal.aborted ? [] : undefined;
          return Array.from({ length: Math.min(max, last - given, 10) }, (): Received => {
            given++;
            return { body: JSON.stringify([name, given]), token: given };
          });
        },
        acknowledge: async (received) => {
          for (const { token } of received) acknowledged.push(token as number);
        },
        close: async () => {},
      }),
    }),
  });
  return { source, acknowledged };
}

function counting(name: string, last: number, config: SubscriberConfig = {}) {
  const { source, acknowledged } = countingSource(name, last);
  return { subscriber: subscriberOf(source, name, 'counting:', config), acknowledged };
}

describe('fan-in', () => {
  it.each(['auto', 'manual'] as const)('gives everything of children with ack %s, and acknowledges it', async (ack) => {
    const children = [counting('a', 500, { ack }), counting('b', 300, { ack })];
    const merged = new FanInSubscriber(
      'merged',
      children.map(({ subscriber }) => subscriber),
    );
    await merged.start();
    const received: [string, number][] = [];
    for await (const { value } of merged) received.push(value as [string, number]);
    for (const [at, name] of ['a', 'b'].entries()) {
      const numbers = received.filter(([of]) => of === name).map(([, number]) => number);
      expect(numbers).toEqual(Array.from({ length: [500, 300][at]! }, (_, index) => index + 1));
    }
    expect(merged.getTotalReceiveCount()).toBe(800);
    await merged.close();
    expect(children.map(({ acknowledged }) => acknowledged.length)).toEqual([500, 300]);
  });

  it('acknowledges to a child only what the application is done with', async () => {
    const { subscriber, acknowledged } = counting('a', 100);
    const merged = new FanInSubscriber('merged', [subscriber]);
    await merged.start();
    for (let count = 0; count < 5; count++) await merged.next();
    await merged.close();
    expect(acknowledged).toEqual([1, 2, 3, 4]);
  });

  it('acknowledges by hand too, in any order', async () => {
    const { subscriber, acknowledged } = counting('a', 5, { ack: 'manual' });
    const merged = new FanInSubscriber('merged', [subscriber], { ack: 'manual' });
    await merged.start();
    const messages = [await merged.next(), await merged.next(), await merged.next()];
    for (const message of [messages[2], messages[0]]) merged.acknowledge(message!);
    await merged.close();
    expect(acknowledged).toEqual([1]);
  });

  it('takes turns, so that a busy child does not starve the others', async () => {
    const [busy, calm] = [new HolderSubscriber('busy'), new HolderSubscriber('calm')];
    busy.addDataBatch(Array.from({ length: 100 }, () => 'busy'));
    calm.addData('calm');
    const merged = new FanInSubscriber('merged', [busy, calm]);
    await merged.start();
    const values: unknown[] = [];
    for (let count = 0; count < 10; count++) values.push((await merged.next())?.value);
    expect(values).toContain('calm');
    await merged.close();
  });

  it('suspends, freezes and closes its children with it, and tells their state', async () => {
    const children = [new HolderSubscriber('a'), new HolderSubscriber('b')];
    const merged = new FanInSubscriber('merged', children);
    await merged.start();
    merged.suspend();
    expect(merged.getSubscriberStatus()).toEqual({ total: 2, suspended: 2, active: 0 });
    merged.resume();
    expect(merged.getSubscriberStatus()).toEqual({ total: 2, suspended: 0, active: 2 });
    merged.freeze();
    expect(merged.details()).toMatchObject({ frozen: true, subscriber_count: 2, subscribers: { a: { frozen: true } } });
    merged.unfreeze();
    children[0]!.addData(1);
    expect(await merged.next()).toEqual({ value: 1 });
    await merged.close();
    expect(children.map((child) => child.isRunning())).toEqual([false, false]);
  });

  it('adds, removes, gets and lists children while it runs', async () => {
    const [first, late] = [new HolderSubscriber('first'), new HolderSubscriber('late')];
    const merged = new FanInSubscriber('merged', [first]);
    await merged.start();
    const waiting = merged.next();
    await merged.add(late);
    late.addData('late');
    expect(await waiting).toEqual({ value: 'late' });
    await expect(merged.add(new HolderSubscriber('late'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect([merged.list(), merged.get('late')]).toEqual([['first', 'late'], late]);
    expect(merged.remove('first')).toBe(first);
    first.addData('unheard');
    expect(await merged.next({ timeoutMs: 20 })).toBeUndefined();
    expect(await first.next({ timeoutMs: 0 })).toEqual({ value: 'unheard' });
    await merged.close();
  });
});

describe('a fan-in whose child was removed', () => {
  it('goes on with the next one, also when it was the last', async () => {
    const [first, second] = [new HolderSubscriber('first'), new HolderSubscriber('second')];
    const merged = new FanInSubscriber('merged', [first]);
    await merged.start();
    const waiting = merged.next();
    merged.remove('first');
    await merged.add(second);
    second.addData(2);
    expect(await waiting).toEqual({ value: 2 });
    await merged.close();
  });

  it.each(['auto', 'manual'] as const)('gives what it held, and acknowledges it: ack %s', async (ack) => {
    const { subscriber, acknowledged } = counting('a', 100, { ack });
    const merged = new FanInSubscriber('merged', [subscriber], { max_depth: 10 });
    await merged.start();
    const first = await merged.next();
    merged.remove('a');
    const held = Array.from({ length: ack === 'auto' ? 1 : 10 }, (_, i) => ['a', i + 1]);
    const values = [first?.value];
    while (values.length < held.length) values.push((await merged.next())?.value);
    expect(values).toEqual(held);
    expect(await merged.next({ timeoutMs: 20 })).toBeUndefined();
    await expect.poll(() => acknowledged).toHaveLength(values.length);
    await Promise.all([merged.close(), subscriber.close()]);
    expect(acknowledged).toHaveLength(values.length);
  });

  it('lets go of it', async () => {
    const merged = new FanInSubscriber('merged', [new HolderSubscriber('stays')]);
    await merged.start();
    // A function of its own, whose variables are gone when it returns.
    const addAndRemove = async (count: number): Promise<WeakRef<HolderSubscriber>> => {
      const child = new HolderSubscriber(`child ${count}`);
      await merged.add(child);
      child.addData(count);
      expect(await merged.next()).toEqual({ value: count });
      merged.remove(child.name);
      await child.close();
      return new WeakRef(child);
    };
    const removed = [await addAndRemove(1), await addAndRemove(2), await addAndRemove(3)];
    expect(await merged.next({ timeoutMs: 20 })).toBeUndefined();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await expect.poll(() => (collect(), removed.filter((child) => child.deref() !== undefined).length)).toBe(0);
    await merged.close();
  });
});

it('receives at most max_depth of each child ahead', async () => {
  const children = ['a', 'b'].map((name) => counting(name, 5000, { ack: 'manual' }).subscriber);
  const merged = new FanInSubscriber('merged', children);
  await merged.start();
  expect(merged.details().max_depth).toBe(1000);
  await merged.next();
  await expect.poll(() => children.map((child) => child.details().unacknowledged)).toEqual([1000, 1000]);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(children.map((child) => child.details().unacknowledged)).toEqual([1000, 1000]);
  const rest: unknown[] = [];
  for await (const { value } of merged) rest.push(value);
  expect(rest).toHaveLength(9999);
  await merged.close();
});

describe('fanin: URLs', () => {
  const { createSubscriber, openSubscriber } = createRegistry({ counting: 'counting' }, async () => ({
    connector: { sources: { counting: countingSource('any', 3).source } },
  }));

  it.each(['fanin://', 'composite:'])('opens every part of %s as a subscriber of its own', async (scheme) => {
    const parts = ['counting://a:1,b:2/x', 'counting://c'];
    const merged = await createSubscriber('merged', { source: scheme + parts.join(','), max_depth: 10 });
    expect(merged.details()).toMatchObject({ name: 'merged', max_depth: 10, subscriber_count: 2 });
    expect(Object.keys((merged as FanInSubscriber).details().subscribers)).toEqual(parts);
  });

  it('shows the password of no part', async () => {
    const parts = 'counting://me:secret@a,counting://:secret@b';
    const named = await createSubscriber('merged', { source: `fanin://${parts}` });
    const opened = await openSubscriber(`fanin://${parts}`);
    await opened.close();
    const shown = ['counting://me:***@a', 'counting://:***@b'];
    expect(Object.keys((named as FanInSubscriber).details().subscribers)).toEqual(shown);
    expect(opened.name).toBe(`fanin:${shown.join(',')}`);
    for (const subscriber of [named, opened]) expect(JSON.stringify(subscriber.details())).not.toContain('secret');
  });

  it('says which part is wrong', async () => {
    await expect(createSubscriber('merged', { source: 'fanin://counting://a,none://b' })).rejects.toMatchObject({
      code: 'UNKNOWN_SCHEME',
      details: { value: 'none://b' },
    });
  });
});

describe('metronome', () => {
  it('receives at a steady pace', async () => {
    const metronome = new MetronomeSubscriber('beats', { interval: '20ms', message: { a: 1 } });
    const before = performance.now();
    await metronome.start();
    const messages = [await metronome.next(), await metronome.next(), await metronome.next()];
    expect(performance.now() - before).toBeGreaterThan(35);
    for (const message of messages) {
      expect(message).toEqual({ value: { message: { a: 1 }, current_timestamp: expect.stringMatching(/^\d{14}$/) } });
    }
    await metronome.close();
    expect(() => new MetronomeSubscriber('beats', { interval: 0 })).toThrow('metronome "beats"');
  });

  it('publishes at a steady pace until it is told to end', async () => {
    const holder = new HolderPublisher('held');
    await holder.start();
    const end = new AbortController();
    const running = publishMetronome(holder, { interval: 0.01, signal: end.signal });
    await expect.poll(() => holder.getPublishedMessages().length).toBeGreaterThan(2);
    end.abort();
    expect(await running).toBe(holder.getPublishedMessages().length);
    expect(holder.peek()?.value).toMatchObject({ message: 'tick' });
    await holder.close();
  });
});

describe('holder', () => {
  it('keeps, finds and forgets', async () => {
    const holder = new HolderPublisher('held');
    await holder.start();
    await holder.publish({ key: 'a', value: 1 });
    await holder.publish({ key: 'b', value: 2 });
    expect(holder.findMessages(({ key }) => key === 'b')).toEqual([{ key: 'b', value: 2 }]);
    expect(holder.peek()).toEqual({ key: 'a', value: 1 });
    expect([holder.clear(), holder.getPublishedMessages()]).toEqual([2, []]);
    await holder.close();
  });

  it('gives what it was given', async () => {
    const holder = new HolderSubscriber('given');
    holder.addDataBatch([{ __dagserver_key: 'a', total: 1 }, null, [1]]);
    expect(holder.peek()).toEqual({ key: 'a', value: { total: 1 } });
    await holder.start();
    const first = [await holder.next(), await holder.next()];
    expect(first).toEqual([{ key: 'a', value: { total: 1 } }, { value: null }]);
    expect([holder.clear(), await holder.next({ timeoutMs: 0 })]).toEqual([1, undefined]);
    await holder.close();
  });
});
