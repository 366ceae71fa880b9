import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MillraceError } from '@millrace/core';
import type { Message, Subscriber } from '@millrace/core';
import { ScriptedSource } from './scripted-source.ts';

async function take(subscriber: Subscriber, count: number): Promise<unknown[]> {
  const values: unknown[] = [];
  while (values.length < count) values.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
  return values;
}

describe('acknowledgement', () => {
  it('follows when the next one is asked for', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber();
    expect(await take(subscriber, 2)).toEqual([1, 2]);
    await setImmediate();
    expect(source.acknowledged).toBe(1);
    await subscriber.close();
    expect(source.acknowledged).toBe(1);
    const again = await source.subscriber();
    expect(await take(again, 2)).toEqual([2, 3]);
    await again.close();
  });

  it('can be given early', async () => {
    const source = new ScriptedSource();
    source.add(1, 2);
    const subscriber = await source.subscriber();
    const message = await subscriber.next();
    subscriber.acknowledge(message!);
    await subscriber.close();
    expect(source.acknowledged).toBe(1);
  });

  it('follows when the handler has resolved, and not when it rejects', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber();
    const handled = subscriber.subscribe(async ({ value }) => {
      await sleep(1);
      if (value === 3) throw new Error('no 3');
    });
    await expect(handled).rejects.toThrow('no 3');
    await subscriber.close();
    expect(source.acknowledged).toBe(2);
  });

  it('by hand reaches the source in order, however it is given', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber({ ack: 'manual' });
    const messages = [await subscriber.next(), await subscriber.next(), await subscriber.next()] as Message[];
    expect(subscriber.details()).toMatchObject({ unacknowledged: 3, acknowledged: 0 });
    subscriber.acknowledge(messages[1]!);
    await setImmediate();
    expect(source.acknowledged).toBe(0);
    subscriber.acknowledge(messages[0]!);
    await setImmediate();
    expect(source.acknowledged).toBe(2);
    await subscriber.close();
    expect(subscriber.details()).toMatchObject({ acknowledged: 2 });
  });

  it('by hand bounds what is received', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber({ ack: 'manual', max_depth: 2 });
    const messages = [await subscriber.next(), await subscriber.next()] as Message[];
    expect(await subscriber.next({ timeoutMs: 5 })).toBeUndefined();
    subscriber.acknowledge(messages[0]!);
    expect(await take(subscriber, 1)).toEqual([3]);
    await subscriber.close();
  });

  it('is told in few calls', async () => {
    const source = new ScriptedSource();
    source.add(...Array.from({ length: 5000 }).keys());
    source.end();
    const subscriber = await source.subscriber();
    await subscriber.subscribe(() => {});
    await subscriber.close();
    expect(source.acknowledged).toBe(5000);
    expect(source.acknowledgeCalls).toBeLessThan(20);
  });
});

describe('a lost connection', () => {
  it('is made again, and what was not given away comes once', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber();
    expect(await take(subscriber, 1)).toEqual([1]);
    await setImmediate();
    source.breakOff(new MillraceError('UNAVAILABLE', 'cut'));
    while (source.connections < 2) await sleep(1);
    source.add(4);
    // The first one was given away and not acknowledged.
    expect(await take(subscriber, 4)).toEqual([1, 2, 3, 4]);
    expect(subscriber.details()).toMatchObject({
      reconnects: 1,
      connected: true,
      consecutive_errors: 0,
      last_error: 'cut',
    });
    await subscriber.close();
  });

  it('keeps what would not come again', async () => {
    const source = new ScriptedSource();
    source.add(1, 2);
    const subscriber = await source.subscriber({}, false);
    await setImmediate();
    source.breakOff(new MillraceError('UNAVAILABLE', 'cut'));
    while (source.connections < 2) await sleep(1);
    source.add(3);
    expect(await take(subscriber, 3)).toEqual([1, 2, 3]);
    await subscriber.close();
  });

  it('that cannot heal fails it', async () => {
    const source = new ScriptedSource();
    const subscriber = await source.subscriber();
    const waiting = subscriber.next();
    source.breakOff(new MillraceError('REFUSED', 'no such topic'));
    await expect(waiting).rejects.toMatchObject({ code: 'REFUSED' });
    expect(subscriber.isRunning()).toBe(false);
    expect(subscriber.details()).toMatchObject({ state: 'failed', last_error: 'no such topic' });
    await subscriber.close();
  });
});

describe('acknowledging that fails', () => {
  const ways: Record<string, (subscriber: Subscriber, given: unknown[]) => Promise<void>> = {
    async next(subscriber, given) {
      for (;;) given.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
    },
    async 'for await'(subscriber, given) {
      for await (const { value } of subscriber) given.push(value);
    },
    subscribe: (subscriber, given) =>
      subscriber.subscribe(async ({ value }) => {
        given.push(value);
        await setImmediate();
      }),
  };

  it.each(Object.entries(ways))('for good ends %s with its error; the rest is for the next one', async (_, deliver) => {
    const source = new ScriptedSource();
    source.add(...Array.from({ length: 5000 }).keys());
    source.refusal = new MillraceError('REFUSED', 'no such group');
    const subscriber = await source.subscriber({ max_depth: 100 });
    const given: unknown[] = [];
    await expect(deliver(subscriber, given)).rejects.toMatchObject({ code: 'REFUSED' });
    // So many are told at once; nobody can know sooner.
    expect(given.length).toBeLessThanOrEqual(1000 + 100);
    expect(given).not.toContain(undefined);
    expect(subscriber.details()).toMatchObject({ state: 'failed', connected: false, last_error: 'no such group' });
    await expect(subscriber.next({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(source.closed).toBe(1);
    const heir = await source.subscriber();
    expect(await take(heir, 2)).toEqual([0, 1]);
    await Promise.all([subscriber.close(), heir.close()]);
    expect([source.connections, source.closed]).toEqual([2, 2]);
  });

  it('for a while connects again, and gives what was not acknowledged', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    source.refusal = new MillraceError('UNAVAILABLE', 'cut');
    // As a driver may put it, whose connection was closed during a call.
    source.closing = new Error('Connection is closed.');
    const subscriber = await source.subscriber();
    expect(await take(subscriber, 2)).toEqual([1, 2]);
    while (source.connections < 2) await sleep(1);
    expect(await take(subscriber, 3)).toEqual([1, 2, 3]);
    expect(subscriber.details()).toMatchObject({ state: 'running', last_error: 'cut' });
    await subscriber.close();
    expect(source.acknowledged).toBe(2);
  });
});

describe('renewal', () => {
  it('is asked for as long as anything is not acknowledged', async () => {
    const source = new ScriptedSource();
    source.renews = 5;
    const subscriber = await source.subscriber({ ack: 'manual' });
    await sleep(20);
    expect(source.renewed).toBe(0);
    source.add(1);
    const message = await subscriber.next();
    while (source.renewed < 3) await sleep(1);
    subscriber.acknowledge(message!);
    await expect.poll(() => source.acknowledged).toBe(1);
    const { renewed } = source;
    await sleep(20);
    expect(source.renewed).toBe(renewed);
    source.add(2);
    while (source.renewed === renewed) await sleep(1);
    await subscriber.close();
    const atClose = source.renewed;
    await sleep(20);
    expect(source.renewed).toBe(atClose);
  });

  it('that fails is a lost connection: what waits is forgotten, since others may get it', async () => {
    const source = new ScriptedSource();
    source.renews = 5;
    source.add(1, 2, 3);
    const subscriber = await source.subscriber({ max_depth: 3 });
    await expect.poll(() => subscriber.details().current_depth).toBe(3);
    source.refusal = new MillraceError('UNAVAILABLE', 'cut');
    while (source.connections < 2) await sleep(1);
    expect(await take(subscriber, 3)).toEqual([1, 2, 3]);
    await subscriber.close();
  });
});

describe('intake', () => {
  it('stops while suspended or frozen; what was received can be read', async () => {
    const source = new ScriptedSource();
    source.add(1);
    const subscriber = await source.subscriber();
    await setImmediate();
    subscriber.freeze();
    await setImmediate();
    source.add(2);
    expect(subscriber.isFrozen()).toBe(true);
    expect(await take(subscriber, 1)).toEqual([1]);
    expect(await subscriber.next({ timeoutMs: 5 })).toBeUndefined();
    subscriber.unfreeze();
    expect(await take(subscriber, 1)).toEqual([2]);
    subscriber.suspend();
    await setImmediate();
    source.add(3);
    expect(await subscriber.next({ timeoutMs: 5 })).toBeUndefined();
    subscriber.resume();
    expect(await take(subscriber, 1)).toEqual([3]);
    expect(subscriber.getMessageCount()).toBe(3);
    await subscriber.close();
  });

  it('is bounded by max_depth', async () => {
    const source = new ScriptedSource();
    source.add(...Array.from({ length: 100 }).keys());
    const subscriber = await source.subscriber({ max_depth: 10 });
    await expect.poll(() => subscriber.details().current_depth).toBe(10);
    await sleep(2);
    expect(subscriber.details()).toMatchObject({ max_depth: 10, current_depth: 10, receive_count: 10 });
    expect(await take(subscriber, 100)).toEqual([...Array.from({ length: 100 }).keys()]);
    await subscriber.close();
  });

  it.each(['auto', 'manual'])('is bounded in bytes, with ack %s', async (ack) => {
    const source = new ScriptedSource();
    const large = 'x'.repeat(100_000);
    source.add(...Array.from({ length: 100 }, (_, i) => `${i} ${large}`));
    const subscriber = await source.subscriber({ max_depth_bytes: '1MB', ack });
    const given: Message[] = [];
    while (given.length < 100) {
      const message = await subscriber.next({ timeoutMs: 60_000 });
      given.push(message!);
      const { current_depth_bytes: waiting, unacknowledged } = subscriber.details();
      expect(waiting + (ack === 'manual' ? unacknowledged * large.length : 0)).toBeLessThan(1_150_000);
      // Four at a time, out of order.
      if (given.length % 4 === 0) for (const one of given.slice(-4).toReversed()) subscriber.acknowledge(one);
      await setImmediate();
    }
    expect(given.map(({ value }) => Number.parseInt(value as string, 10))).toEqual([...given.keys()]);
    await subscriber.close();
    expect(source.acknowledged).toBe(100);
  });

  it('lets in a message that is larger than the bound alone', async () => {
    const source = new ScriptedSource();
    source.add('x'.repeat(1000), 'y'.repeat(1000));
    const subscriber = await source.subscriber({ max_depth_bytes: 1 });
    expect(await take(subscriber, 2)).toEqual(['x'.repeat(1000), 'y'.repeat(1000)]);
    await subscriber.close();
  });

  it('does not let close, nor unfreeze, wait for the end of a long idle_poll_interval', async () => {
    const source = new ScriptedSource();
    source.waits = false;
    const subscriber = await source.subscriber({ idle_poll_interval: 3600 });
    await expect.poll(() => source.asked).toBe(1);
    subscriber.freeze();
    await setImmediate();
    source.add(1);
    subscriber.unfreeze();
    expect(await take(subscriber, 1)).toEqual([1]);
    await expect.poll(() => source.asked).toBe(3);
    // The time that closing gives a source to notice is never over.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await subscriber.close();
    expect(subscriber.details().state).toBe('stopped');
  });

  it('ends with its source', async () => {
    const source = new ScriptedSource();
    source.add(1, 2);
    source.end();
    const subscriber = await source.subscriber();
    const values: unknown[] = [];
    for await (const { value } of subscriber) values.push(value);
    expect(values).toEqual([1, 2]);
    await subscriber.close();
    expect(source.acknowledged).toBe(2);
  });

  it('delivers by priority when asked to', async () => {
    const source = new ScriptedSource();
    source.add({ id: 1 }, { id: 2, _dag_priority: 2 }, { id: 3, _dag_priority: 1 });
    source.end();
    const subscriber = await source.subscriber({ queue_type: 'priority' });
    await expect.poll(() => subscriber.details().current_depth).toBe(3);
    expect(await take(subscriber, 3)).toMatchObject([{ id: 3 }, { id: 2 }, { id: 1 }]);
    await subscriber.close();
    // The last one may not be done yet, and it is the first in order of arrival.
    expect(source.acknowledged).toBe(0);
  });

  it('delivers what has no priority last, and goes on', async () => {
    const source = new ScriptedSource();
    source.add(1, 'poison', 2);
    source.end();
    const subscriber = await source.subscriber({
      queue_type: 'priority',
      priorityExtractor(value) {
        if (value === 'poison') throw new Error('no number');
        return value as number;
      },
    });
    await expect.poll(() => subscriber.details().current_depth).toBe(3);
    expect(await take(subscriber, 3)).toEqual([1, 2, 'poison']);
    expect(await subscriber.next()).toBeUndefined();
    expect(subscriber.details()).toMatchObject({ priority_errors: 1, receive_count: 3 });
    await subscriber.close();
    expect(source.acknowledged).toBe(3);
  });

  it('tells its callback, and survives it', async () => {
    const source = new ScriptedSource();
    source.add(1, 2);
    const told: unknown[] = [];
    const notify = ({ value }: Message): void => {
      told.push(value);
      throw new Error('a defect of the application');
    };
    const subscriber = await source.subscriber({ notify });
    expect(await take(subscriber, 2)).toEqual([1, 2]);
    expect(told).toEqual([1, 2]);
    await subscriber.close();
  });
});
