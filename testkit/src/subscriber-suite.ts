import { setTimeout as sleep } from 'node:timers/promises';

import type { Message, Subscriber } from '@millrace/core';
import { expect } from 'vitest';
import type { ContractSubject } from './contract-suite.ts';
import { describeContract } from './contract-suite.ts';

export interface SubscriberTarget {
  readonly subscriber: Subscriber;
  /** Puts a message where the subscriber gets it from; resolves when it is there. */
  readonly send: (message: Message) => Promise<void>;
  /** Releases everything, also when the test has closed the subscriber. */
  close(): Promise<void>;
}

/** Long enough for any backend to deliver; only a failing test waits so long. */
const ENOUGH_MS = 60_000;

const TESTS = {
  'receives key and value': async ({ subscriber, send }) => {
    await send({ key: 'order-1', value: { total: 12, lines: [null, 'ł€😀'] } });
    expect(await subscriber.next({ timeoutMs: ENOUGH_MS })).toEqual({
      key: 'order-1',
      value: { total: 12, lines: [null, 'ł€😀'] },
    });
  },

  'receives in order': async ({ subscriber, send }) => {
    const values = Array.from({ length: 100 }, (_, value) => value);
    for (const value of values) await send({ value });
    const received: unknown[] = [];
    while (received.length < values.length) {
      const message = await subscriber.next({ timeoutMs: ENOUGH_MS });
      if (message === undefined) break;
      received.push(message.value);
    }
    expect(received).toEqual(values);
  },

  'waits for a message that comes later': async ({ subscriber, send }) => {
    const waiting = subscriber.next();
    await send({ value: 'late' });
    expect(await waiting).toEqual({ value: 'late' });
  },

  'gives undefined when nothing comes in time': async ({ subscriber }) => {
    expect(await subscriber.next({ timeoutMs: 0 })).toBeUndefined();
    expect(await subscriber.next({ timeoutMs: 20 })).toBeUndefined();
  },

  'takes any time as it is meant': async ({ subscriber, send }) => {
    // Node's timers take more than 2^31 - 1 ms for 1 ms.
    const waiting = [subscriber.next({ timeoutMs: 2 ** 40 }), subscriber.next({ timeoutMs: Infinity })];
    expect(await subscriber.next({ timeoutMs: 50 })).toBeUndefined();
    for (const value of [1, 2]) await send({ value });
    expect(await Promise.all(waiting)).toEqual([{ value: 1 }, { value: 2 }]);
  },

  'loses nothing when a wait is over': async ({ subscriber, send }) => {
    expect(await subscriber.next({ timeoutMs: 1 })).toBeUndefined();
    await send({ value: 'after' });
    expect(await subscriber.next({ timeoutMs: ENOUGH_MS })).toEqual({ value: 'after' });
  },

  'loses nothing when a wait is aborted': async ({ subscriber, send }) => {
    const controller = new AbortController();
    const waiting = subscriber.next({ signal: controller.signal });
    controller.abort(new Error('no longer interested'));
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    await send({ value: 'after' });
    await expect(subscriber.next({ signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await subscriber.next({ timeoutMs: ENOUGH_MS })).toEqual({ value: 'after' });
  },

  'gives each message to one of several waiting calls': async ({ subscriber, send }) => {
    const waiting = [subscriber.next(), subscriber.next(), subscriber.next()];
    for (const value of [1, 2, 3]) await send({ value });
    expect(await Promise.all(waiting)).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
  },

  'gives every receiver a copy of its own': async ({ subscriber, send }) => {
    const value = { total: 12 };
    await send({ value });
    const message = await subscriber.next({ timeoutMs: ENOUGH_MS });
    value.total = 13;
    expect(message).toEqual({ value: { total: 12 } });
  },

  'gives messages to a handler, one after the other, until its signal aborts': async ({ subscriber, send }) => {
    for (const value of [1, 2, 3]) await send({ value });
    const end = new AbortController();
    const handled: unknown[] = [];
    let running = 0;
    await subscriber.subscribe(
      async ({ value }) => {
        expect(++running).toBe(1);
        await Promise.resolve();
        handled.push(value);
        running--;
        if (value === 3) end.abort();
      },
      { signal: end.signal },
    );
    expect(handled).toEqual([1, 2, 3]);
    await send({ value: 4 });
    expect(await subscriber.next({ timeoutMs: ENOUGH_MS })).toEqual({ value: 4 });
  },

  'receives nothing while frozen': async ({ subscriber, send }) => {
    subscriber.freeze();
    const received: unknown[] = [];
    let sent = 0;
    // A request that waits at the server already may still bring what is sent, but there will not be another one.
    for (let isQuiet = false; !isQuiet && sent < 5;) {
      await send({ value: sent++ });
      const message = await subscriber.next({ timeoutMs: 50 });
      if (message === undefined) isQuiet = true;
      else received.push(message.value);
    }
    expect(received.length).toBeLessThan(sent);
    subscriber.unfreeze();
    while (received.length < sent) received.push((await subscriber.next({ timeoutMs: ENOUGH_MS }))?.value);
    expect(received).toEqual(Array.from({ length: sent }, (_, value) => value));
  },

  'counts what it has received': async ({ subscriber, send }) => {
    for (const value of [1, 2]) await send({ value });
    for (const value of [1, 2]) expect(await subscriber.next({ timeoutMs: ENOUGH_MS })).toEqual({ value });
    expect(subscriber.isRunning()).toBe(true);
    expect(subscriber.getMessageCount()).toBe(2);
    expect(subscriber.details()).toMatchObject({ state: 'running', connected: true, receive_count: 2, frozen: false });
  },

  'close ends a wait': async ({ subscriber }) => {
    const waiting = [subscriber.next(), subscriber.next({ signal: new AbortController().signal })];
    await subscriber.close();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    expect(await subscriber.next()).toBeUndefined();
  },

  'close ends an iteration': async ({ subscriber, send }) => {
    await send({ value: 1 });
    await send({ value: 2 });
    const received: unknown[] = [];
    for await (const { value } of subscriber) {
      received.push(value);
      if (received.length === 2) await subscriber.close();
    }
    expect(received).toEqual([1, 2]);
  },

  'close waits for a handler that runs': async ({ subscriber, send }) => {
    await send({ value: 1 });
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const events: unknown[] = [];
    const handling = subscriber.subscribe(async ({ value }) => {
      begun.resolve();
      await mayEnd.promise;
      events.push(value);
    });
    await begun.promise;
    const closing = subscriber.close().then(() => events.push('closed'));
    await sleep(50);
    mayEnd.resolve();
    await Promise.all([closing, handling]);
    expect(events).toEqual([1, 'closed']);
  },

  'close does not wait for the handler that calls it': async ({ subscriber, send }) => {
    await send({ value: 1 });
    let isClosed = false;
    await subscriber.subscribe(async () => {
      await subscriber.close();
      isClosed = true;
    });
    expect(isClosed).toBe(true);
  },

  'an iteration that is left can be taken up again': async ({ subscriber, send }) => {
    await send({ value: 1 });
    await send({ value: 2 });
    for (const expected of [1, 2]) {
      for await (const { value } of subscriber) {
        expect(value).toBe(expected);
        break;
      }
    }
  },

  'closing twice is harmless': async ({ subscriber }) => {
    await Promise.all([subscriber.close(), subscriber.close()]);
    await expect(subscriber.close()).resolves.toBeUndefined();
  },
} satisfies Record<string, (target: SubscriberTarget) => Promise<void>>;

/** What every `Subscriber` promises. Use it as `describePublisher`. */
export function describeSubscriber(name: string, subject: ContractSubject<SubscriberTarget, keyof typeof TESTS>): void {
  describeContract(`Subscriber: ${name}`, TESTS, subject);
}
