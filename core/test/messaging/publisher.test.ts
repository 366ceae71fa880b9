import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLogger, defineOptions, defineSink, publisherOf, Skipped } from '@millrace/core';
import type { JsonValue, Message, Publisher } from '@millrace/core';
import { firstArrivals, ScriptedTarget } from './scripted-target.ts';

const offerAll = (publisher: Publisher, count: number, from = 0): Promise<void>[] =>
  Array.from({ length: count }, (_, index) => publisher.publish({ value: from + index }));

function expectBalanced(publisher: Publisher): void {
  const { offered, publish_count, refused, dropped, queue_depth } = publisher.details();
  expect(publish_count + refused + dropped + queue_depth).toBe(offered);
}

describe('sending', () => {
  it('sends a lone message at once, and a burst in one request after the one under way', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher();
    await publisher.publish({ value: 'lone' });
    const gate = Promise.withResolvers<void>();
    target.gate = gate.promise;
    const first = publisher.publish({ value: 'first' });
    await expect.poll(() => target.batches).toEqual([1, 1]);
    const rest = offerAll(publisher, 500);
    gate.resolve();
    await Promise.all([first, ...rest]);
    expect(target.batches).toEqual([1, 1, 500]);
    await publisher.close();
    expect(target.open).toBe(0);
  });

  it('sends at most max_batch in one request', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ max_batch: 10 });
    await Promise.all(offerAll(publisher, 25));
    expect(target.batches).toEqual([10, 10, 5]);
    await publisher.close();
  });

  it('rejects what the target refuses, and nothing else', async () => {
    const target = new ScriptedTarget();
    target.steps.push({ refuse: [1] }, { end: 'reject' });
    const publisher = await target.publisher();
    const outcomes = await Promise.allSettled(offerAll(publisher, 3));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(publisher.publish({ value: 'all of them' })).rejects.toMatchObject({ code: 'REFUSED' });
    await publisher.publish({ value: 'next' });
    expect(target.received).toEqual([0, 2, 'next']);
    expect(publisher.details()).toMatchObject({ offered: 5, publish_count: 3, refused: 2, queue_depth: 0 });
    await publisher.close();
  });

  it('needs to be started', async () => {
    const publisher = new ScriptedTarget().create();
    await expect(publisher.publish({ value: 1 })).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(publisher.details().state).toBe('created');
    expect(publisher.isRunning()).toBe(false);
  });
});

describe('an interval', () => {
  it('collects until it is over, and flush sends before', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ publish_interval: 0.5 });
    const offeredAt = performance.now();
    const published = offerAll(publisher, 3);
    expect(publisher.details()).toMatchObject({ publish_interval: 0.5, queue_depth: 3 });
    await Promise.all(published);
    // Timers may round down by a millisecond.
    expect(performance.now() - offeredAt).toBeGreaterThan(498);
    expect(target.batches).toEqual([3]);
    const later = publisher.publish({ value: 3 });
    await publisher.flush();
    await later;
    expect(target.batches).toEqual([3, 1]);
    await publisher.close();
  });

  it('is cut short by batch_size, and by close', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ publish_interval: 60, batch_size: 2 });
    await Promise.all(offerAll(publisher, 2));
    const left = publisher.publish({ value: 2 });
    await publisher.close();
    await left;
    expect(target.received).toEqual([0, 1, 2]);
  });
});

describe('priorities', () => {
  it('send the most urgent first, and equals in order', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ queue_type: 'PRIORITY', dag_priority_key: 'urgency', max_batch: 1 });
    publisher.suspend();
    const urgencies = [5, 1, '3', undefined, 1, 0, 3.9, true];
    const published = urgencies.map((urgency, index) =>
      publisher.publish({ value: urgency === undefined ? { index } : { index, urgency } }),
    );
    publisher.resume();
    await Promise.all(published);
    const order = (target.received as { index: number }[]).map(({ index }) => index);
    expect(order).toEqual([1, 4, 7, 2, 6, 0, 3, 5]);
    expect(publisher.details()).toMatchObject({ priority_queue_enabled: true, priority_key: 'urgency' });
    await publisher.close();
  });
});

describe('a full queue', () => {
  it('lets callers wait, and enqueue resolve when there is room', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ max_queue_depth: 2 });
    publisher.suspend();
    await publisher.enqueue({ value: 0 });
    await publisher.enqueue({ value: 1 });
    const order: string[] = [];
    const waiting = publisher.enqueue({ value: 2 }).then(() => order.push('room'));
    await sleep(1);
    order.push('resumed');
    publisher.resume();
    await waiting;
    await publisher.flush();
    expect(order).toEqual(['resumed', 'room']);
    expect(target.received).toEqual([0, 1, 2]);
    await publisher.close();
  });

  it.each([
    ['drop-oldest', [2, 3]],
    ['drop-newest', [0, 1]],
  ])('with %s keeps %j of four', async (overflow, kept) => {
    const target = new ScriptedTarget();
    const told: string[] = [];
    const onError = ({ code }: { code: string }): void => void told.push(code);
    const publisher = await target.publisher({ overflow, maxQueueDepth: 2, onError });
    publisher.suspend();
    const outcomes = Promise.allSettled(offerAll(publisher, 4));
    publisher.resume();
    const codes = (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? 'sent' : (outcome.reason as { code: string }).code,
    );
    expect(codes.filter((code) => code === 'QUEUE_FULL')).toHaveLength(2);
    expect(target.received).toEqual(kept);
    expect(publisher.details()).toMatchObject({ offered: 4, publish_count: 2, dropped: 2 });
    publisher.suspend();
    for (const value of [4, 5, 6]) await publisher.enqueue({ value });
    expect(told).toEqual(['QUEUE_FULL']);
    expectBalanced(publisher);
    await publisher.close();
  });

  it('is bounded in bytes too, but takes one message of any size', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ max_queue_bytes: 100, overflow: 'drop-newest' });
    publisher.suspend();
    const [large, small] = [publisher.publish({ value: 'x'.repeat(1000) }), publisher.publish({ value: 1 })];
    await expect(small).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    publisher.resume();
    await large;
    await publisher.close();
  });

  it('gives a place back when its caller aborts', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({ max_queue_depth: 1 });
    publisher.suspend();
    const abort = new AbortController();
    const withdrawn = [0, 1].map((value) => publisher.publish({ value }, { signal: abort.signal }));
    const stays = publisher.publish({ value: 2 });
    abort.abort();
    for (const one of withdrawn) await expect(one).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(publisher.publish({ value: 3 }, { signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    publisher.resume();
    await stays;
    expect(target.received).toEqual([2]);
    expect(publisher.details()).toMatchObject({
      offered: 3,
      publish_count: 1,
      refused: 2,
      queue_depth: 0,
      queue_bytes: 0,
    });
    await publisher.close();
  });
});

describe('a predicate', () => {
  it('publishes for true only, and keeps the order of slow answers', async () => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher({
      predicate: ({ value }) =>
        value === 0 ? sleep(5).then(() => true) : typeof value === 'number' && value % 2 === 0,
    });
    await Promise.all(offerAll(publisher, 5));
    expect(target.received).toEqual([0, 2, 4]);
    expect(publisher.details()).toMatchObject({ offered: 3, filtered: 2 });
    await publisher.close();
  });
});

function defect(value: unknown): never {
  throw new Error(`cannot read ${value as string}`);
}

describe('a function of the application that throws', () => {
  const onlyForZero = {
    predicate: { predicate: ({ value }: Message) => value !== 0 || defect(value) },
    'asynchronous predicate': { predicate: async ({ value }: Message) => value !== 0 || defect(value) },
    priorityExtractor: {
      queue_type: 'priority',
      priorityExtractor: (value: JsonValue) => (value === 0 ? defect(value) : 1),
    },
  };

  it.each(Object.entries(onlyForZero))('as %s refuses that message only', async (hook, config) => {
    const target = new ScriptedTarget();
    const publisher = await target.publisher(config);
    const [first, ...others] = offerAll(publisher, 3);
    await expect(first).rejects.toMatchObject({
      code: 'REFUSED',
      message: `publisher "orders": its ${hook.split(' ').at(-1)} failed: cannot read 0`,
    });
    await Promise.all(others);
    await expect(publisher.enqueue({ value: 0 })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(target.received).toEqual([1, 2]);
    expectBalanced(publisher);
    await publisher.close();
  });

  it('as onError does not stop the others', async () => {
    const target = new ScriptedTarget();
    target.steps.push({ refuse: [0] }, { refuse: [0] });
    const publisher = await target.publisher({ onError: defect });
    for (let value = 0; value < 3; value++) await publisher.enqueue({ value });
    await publisher.flush();
    await publisher.publish({ value: 3 });
    expect(target.received).toEqual([2, 3]);
    expect(publisher.details()).toMatchObject({ refused: 2, publish_count: 2, queue_depth: 0 });
    await publisher.close();
  });
});

describe('an outage', () => {
  it('sends again what is in doubt, on a new connection and in order', async () => {
    const target = new ScriptedTarget();
    target.steps.push({ end: 'break', take: 2 }, { end: 'break', take: 3, tell: true });
    const publisher = await target.publisher();
    await Promise.all(offerAll(publisher, 5));
    expect(target.received).toEqual([0, 1, 0, 1, 2, 3, 4]);
    expect(publisher.details()).toMatchObject({ retries: 2, reconnects: 2, publish_count: 5, connected: true });
    await publisher.close();
  });

  it('at start does not fail it', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher();
    const published = offerAll(publisher, 3);
    await sleep(5);
    expect(publisher.details()).toMatchObject({ connected: false, queue_depth: 3, state: 'running' });
    target.away = false;
    await Promise.all(published);
    expect(target.received).toEqual([0, 1, 2]);
    await publisher.close();
  });

  it('ends for a message whose attempts are used up', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher({ retry_max: 3 });
    await expect(publisher.publish({ value: 0 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(publisher.details()).toMatchObject({ refused: 1, retry_max: 3 });
    target.away = false;
    await publisher.publish({ value: 1 });
    expect(target.received).toEqual([1]);
    await publisher.close();
  });

  it('is buffered when resilient: accepted, sent first when the target is back', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher({ resilient: true, retry_max: 2 });
    await Promise.all(offerAll(publisher, 3));
    expect(publisher.details()).toMatchObject({ outage_buffer_depth: 3, publish_count: 0, queue_depth: 3 });
    target.away = false;
    await publisher.publish({ value: 3 });
    expect(target.received).toEqual([0, 1, 2, 3]);
    expect(publisher.details()).toMatchObject({ outage_buffer_depth: 0, publish_count: 4, queue_depth: 0 });
    await publisher.close();
  });

  it('drops the oldest of a full outage buffer when told so', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const options = { resilient: true, retry_max: 1, buffer_max_messages: 2, buffer_overflow: 'drop-oldest' };
    const publisher = await target.publisher(options);
    for (let value = 0; value < 5; value++) await publisher.publish({ value });
    expect(publisher.details()).toMatchObject({ outage_buffer_depth: 2, dropped: 3, queue_depth: 2 });
    target.away = false;
    await publisher.close();
    expect(target.received).toEqual([3, 4]);
  });

  it('leaves messages behind when close has a deadline, and says so', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher();
    const outcomes = Promise.allSettled(offerAll(publisher, 4));
    await expect(publisher.close({ deadlineMs: 10 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'publisher "orders" was closed: 4 messages were not sent within 10 ms',
    });
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    expect(publisher.details()).toMatchObject({ offered: 4, dropped: 4, queue_depth: 0, state: 'stopped' });
    await expect(publisher.close()).resolves.toBeUndefined();
  });

  it('does not reorder, whatever arrived twice', async () => {
    const target = new ScriptedTarget();
    target.steps.push({ end: 'break', take: 7 }, { end: 'break', take: 0 }, { end: 'break', take: 9 });
    const publisher = await target.publisher({ max_batch: 10 });
    await Promise.all(offerAll(publisher, 40));
    expect(firstArrivals(target.received)).toEqual([...Array.from({ length: 40 }).keys()]);
    await publisher.close();
  });
});

it('counts and logs what the connector passes over, as none of its messages', async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'warn', name: 'test', destination });
  const sent: unknown[] = [];
  const sink = defineSink({
    options: defineOptions('picky', {}),
    prepare: () => ({
      encode: ({ value }) => (value === null ? new Skipped('it is null') : { bytes: 1, value }),
      connect: async () => ({
        async send(messages) {
          sent.push(...messages.map(({ value }) => value));
          return [];
        },
        close: async () => {},
      }),
    }),
  });
  const publisher = publisherOf(sink, 'orders', 'picky://target', { logger });
  await publisher.start();
  for (const value of [1, null, 2]) await publisher.publish({ value });
  for (let count = 0; count < 9; count++) await publisher.enqueue({ value: null });
  expect(sent).toEqual([1, 2]);
  expect(publisher.details()).toMatchObject({ offered: 2, publish_count: 2, skipped: 10, queue_depth: 0 });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { reason: 'it is null', count: 1, msg: 'publisher "orders": messages skipped' },
    { count: 10 },
  ]);
  await publisher.close();
});

it('rejects a message whose predicate answers after the end', async () => {
  const target = new ScriptedTarget();
  const { promise: verdict, resolve } = Promise.withResolvers<boolean>();
  const publisher = await target.publisher({ predicate: () => verdict });
  const published = publisher.publish({ value: 0 });
  await publisher.close({ deadlineMs: 1 });
  resolve(true);
  await expect(published).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  expect(target.received).toEqual([]);
});

it('can be closed while it connects', async () => {
  const sink = defineSink({
    options: defineOptions('silent', {}),
    prepare: () => ({
      encode: () => ({ bytes: 1 }),
      connect: (signal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    }),
  });
  const publisher = publisherOf(sink, 'orders', 'silent://target');
  const started = expect(publisher.start()).rejects.toMatchObject({ code: 'CANCELLED' });
  await publisher.close();
  await started;
  expect(publisher.details().state).toBe('stopped');
});
