import { expect, it } from 'vitest';
import { defineOptions, defineSink, MillraceError, publisherOf } from '@millrace/core';
import type { Publisher } from '@millrace/core';
import { ScriptedTarget } from './scripted-target.ts';

function expectBalanced(publisher: Publisher): void {
  const { offered, publish_count, refused, dropped, queue_depth } = publisher.details();
  expect(publish_count + refused + dropped + queue_depth).toBe(offered);
}

it('settles every caller once, whatever it waits for, when the deadline of close is over', async () => {
  const target = new ScriptedTarget();
  target.gate = new Promise(() => {});
  const publisher = await target.publisher({ max_queue_depth: 4, max_batch: 2 });
  const withdrawn = new AbortController();
  const settled: number[] = [];
  const calls = Array.from({ length: 40 }, async (_, value) => {
    const options = value % 4 === 3 ? { signal: withdrawn.signal } : {};
    try {
      await (value % 2 === 0 ? publisher.publish({ value }, options) : publisher.enqueue({ value }, options));
    } finally {
      settled.push(value);
    }
  });
  const outcomes = Promise.allSettled(calls);
  await expect.poll(() => target.batches).toHaveLength(1);
  const closed = publisher.close({ deadlineMs: 20 });
  withdrawn.abort();
  await expect(closed).rejects.toMatchObject({ code: 'TIMEOUT' });
  const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'taken'));
  expect(settled.toSorted((a, b) => a - b)).toEqual([...settled.keys()]);
  expect(codes.filter((_, value) => value % 2 === 0)).toEqual(Array.from({ length: 20 }, () => 'TIMEOUT'));
  expect(new Set(codes)).toEqual(new Set(['TIMEOUT', 'CANCELLED', 'taken']));
  const { offered, refused, dropped, publish_count, queue_depth, queue_bytes } = publisher.details();
  const cancelled = codes.filter((code) => code === 'CANCELLED').length;
  expect({ offered, refused, publish_count, queue_depth, queue_bytes }).toEqual({
    offered: 40,
    refused: cancelled,
    publish_count: 0,
    queue_depth: 0,
    queue_bytes: 0,
  });
  expect(dropped).toBe(40 - cancelled);
});

it.each(['block', 'drop-oldest'])(
  'counts once what was withdrawn while its attempt failed: buffer %s',
  async (policy) => {
    let attempt = Promise.withResolvers<never>();
    let attempts = 0;
    const sink = defineSink({
      options: defineOptions('slow', {}),
      prepare: () => ({ encode: () => ({ bytes: 1 }), connect: () => (attempts++, attempt.promise) }),
    });
    const config = { after_retries: 'buffer', retry_max: 1, buffer_max_messages: 2, buffer_overflow: policy };
    const publisher = publisherOf(sink, 'orders', 'slow://target', { ...config, retryBackoff: 0, retryMaxBackoff: 0 });
    const fail = (): void => {
      const { reject } = attempt;
      attempt = Promise.withResolvers();
      reject(new MillraceError('UNAVAILABLE', 'away'));
    };
    const started = publisher.start();
    await expect.poll(() => attempts).toBe(1);
    fail();
    await started;
    const withdrawn = new AbortController();
    const calls: Promise<void>[] = [];
    for (let value = 0; value < 6; value++) {
      calls.push(publisher.publish({ value }, value % 2 === 0 ? { signal: withdrawn.signal } : {}));
    }
    const outcomes = Promise.allSettled(calls);
    // Once they are under way.
    await expect.poll(() => attempts).toBe(2);
    withdrawn.abort();
    fail();
    await expect.poll(() => attempts).toBe(3);
    expectBalanced(publisher);
    expect(publisher.details()).toMatchObject({ offered: 6, refused: 3, outage_buffer_depth: 2 });
    await publisher
      .close({ deadlineMs: 5 })
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'TIMEOUT' }));
    await outcomes;
    const { dropped, queue_bytes } = publisher.details();
    expect({ dropped, queue_bytes }).toEqual({ dropped: 3, queue_bytes: 0 });
    expectBalanced(publisher);
  },
);

it.each(['drop-oldest', 'drop-newest'])('adds up after an overflow: %s', async (overflow) => {
  const target = new ScriptedTarget();
  const gate = Promise.withResolvers<void>();
  target.gate = gate.promise;
  const publisher = await target.publisher({ overflow, max_queue_depth: 10, max_batch: 5 });
  const lone = publisher.publish({ value: 'first' });
  await expect.poll(() => target.batches).toEqual([1]);
  const outcomes = Promise.allSettled(Array.from({ length: 100 }, (_, value) => publisher.publish({ value })));
  expectBalanced(publisher);
  expect(publisher.details()).toMatchObject({ offered: 101, dropped: 90, queue_depth: 11 });
  gate.resolve();
  await lone;
  const kept = (await outcomes).flatMap(({ status }, value) => (status === 'fulfilled' ? [value] : []));
  const newest = overflow === 'drop-newest' ? 0 : 90;
  expect(kept).toEqual(Array.from({ length: 10 }, (_, index) => newest + index));
  expect(target.received).toEqual(['first', ...kept]);
  expect(publisher.details()).toMatchObject({ publish_count: 11, dropped: 90, queue_depth: 0, queue_bytes: 0 });
  await publisher.close();
});
