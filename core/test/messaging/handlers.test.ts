import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Message } from '@millrace/core';
import { ScriptedSource } from './scripted-source.ts';

describe('handlers', () => {
  it('end with their signal', async () => {
    const source = new ScriptedSource();
    source.add(1);
    const subscriber = await source.subscriber();
    const end = new AbortController();
    const values: unknown[] = [];
    const handled = subscriber.subscribe(({ value }) => void values.push(value), { signal: end.signal });
    await expect.poll(() => values).toEqual([1]);
    end.abort();
    await handled;
    source.add(2);
    expect(await subscriber.next({ timeoutMs: 60_000 })).toMatchObject({ value: 2 });
    expect(values).toEqual([1]);
    await subscriber.close();
  });

  it('finish at close what they have begun, which is acknowledged, and get no more', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber();
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const mayEnd = Promise.withResolvers<void>();
    const values: unknown[] = [];
    const handle = async ({ value }: Message): Promise<void> => {
      values.push(value);
      begun[values.length - 1]?.resolve();
      await mayEnd.promise;
    };
    const handled = [subscriber.subscribe(handle), subscriber.subscribe(handle)];
    await Promise.all(begun.map(({ promise }) => promise));
    const closed = subscriber.close();
    await setImmediate();
    mayEnd.resolve();
    await Promise.all([closed, ...handled]);
    expect(values).toEqual([1, 2]);
    expect(source.acknowledged).toBe(2);
    expect(subscriber.details()).toMatchObject({ acknowledged: 2, receive_count: 2 });
  });

  it('get at close what has been received and would not come again', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3);
    const subscriber = await source.subscriber({}, false);
    const values: unknown[] = [];
    const handled = subscriber.subscribe(async ({ value }) => {
      await sleep(1);
      values.push(value);
    });
    await subscriber.close();
    expect(values).toEqual([1, 2, 3]);
    await handled;
  });

  it('that fail during close leave their message to come again', async () => {
    const source = new ScriptedSource();
    source.add(1);
    const subscriber = await source.subscriber();
    const [begun, mayFail] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
    const handled = subscriber.subscribe(() => {
      begun.resolve();
      return mayFail.promise;
    });
    await begun.promise;
    const closed = Promise.all([subscriber.close(), expect(handled).rejects.toThrow('no')]);
    await setImmediate();
    mayFail.reject(new Error('no'));
    await closed;
    expect(source.acknowledged).toBe(0);
  });

  it('are not waited for by a close that they call themselves', async () => {
    const source = new ScriptedSource();
    source.add(1);
    const subscriber = await source.subscriber();
    // The time that closing gives a handler is never over.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await subscriber.subscribe(() => subscriber.close());
    expect(subscriber.details().state).toBe('stopped');
  });
});
