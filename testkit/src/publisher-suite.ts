import type { JsonValue, Message, Publisher } from '@millrace/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { ContractSubject } from './contract-suite.ts';
import { describeContract } from './contract-suite.ts';

export interface PublisherTarget {
  readonly publisher: Publisher;
  /** All that has arrived at the target so far, in its order. */
  readonly received: () => Promise<Message[]>;
  /** Releases everything, also when the test has closed the publisher. */
  close(): Promise<void>;
}

const numbered = (count: number): Message[] => Array.from({ length: count }, (_, value) => ({ value }));

const TESTS = {
  'delivers what was published before publish resolves': async ({ publisher, received }) => {
    await publisher.publish({ value: { total: 12 } });
    expect(await received()).toEqual([{ value: { total: 12 } }]);
  },

  'delivers the key': async ({ publisher, received }) => {
    await publisher.publish({ key: 'żółw', value: 1 });
    await publisher.publish({ key: '', value: 2 });
    expect(await received()).toEqual([
      { key: 'żółw', value: 1 },
      { key: '', value: 2 },
    ]);
  },

  'delivers any JSON value unchanged': async ({ publisher, received }) => {
    const values = fc.sample(fc.jsonValue(), { numRuns: 100, seed: 1 }) as JsonValue[];
    const sent = [null, true, 0, '', 'ł€😀\u0000\n"', [], {}, 2 ** 53, ...values].map((value) => ({ value }));
    for (const message of sent) await publisher.publish(message);
    expect(await received()).toEqual(sent);
  },

  'keeps the order of calls that are awaited': async ({ publisher, received }) => {
    for (const message of numbered(50)) await publisher.publish(message);
    expect(await received()).toEqual(numbered(50));
  },

  'keeps the order of calls that are not awaited': async ({ publisher, received }) => {
    await Promise.all(numbered(500).map((message) => publisher.publish(message)));
    expect(await received()).toEqual(numbered(500));
  },

  'delivers the value as it was when publish was called': async ({ publisher, received }) => {
    const value = { total: 12 };
    const published = publisher.publish({ value });
    value.total = 13;
    await published;
    expect(await received()).toEqual([{ value: { total: 12 } }]);
  },

  'refuses a value that is no JSON, and goes on': async ({ publisher, received }) => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const value of [undefined, 1n, cycle, () => 1]) {
      await expect(publisher.publish({ value: value as JsonValue })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
    await publisher.publish({ value: 'next' });
    expect(await received()).toEqual([{ value: 'next' }]);
  },

  'flush delivers what was enqueued, in order with what was published': async ({ publisher, received }) => {
    const published: Promise<void>[] = [];
    for (const [index, message] of numbered(100).entries()) {
      if (index % 3 === 0) published.push(publisher.publish(message));
      else await publisher.enqueue(message);
    }
    await publisher.flush();
    expect(await received()).toEqual(numbered(100));
    await Promise.all(published);
  },

  'delivers what was enqueued before close': async ({ publisher, received }) => {
    for (const message of numbered(20)) await publisher.enqueue(message);
    await publisher.close();
    expect(await received()).toEqual(numbered(20));
  },

  'keeps back while suspended': async ({ publisher, received }) => {
    publisher.suspend();
    await publisher.enqueue({ value: 1 });
    expect(await received()).toEqual([]);
    expect(publisher.details()).toMatchObject({ suspended: true, queue_depth: 1 });
    publisher.resume();
    await publisher.flush();
    expect(await received()).toEqual([{ value: 1 }]);
  },

  'counts what it has done': async ({ publisher }) => {
    await Promise.all(numbered(10).map((message) => publisher.publish(message)));
    expect(publisher.details()).toMatchObject({
      state: 'running',
      connected: true,
      offered: 10,
      publish_count: 10,
      refused: 0,
      dropped: 0,
      queue_depth: 0,
      queue_bytes: 0,
    });
  },

  'takes nothing for a signal that has aborted': async ({ publisher, received }) => {
    const signal = AbortSignal.abort();
    await expect(publisher.publish({ value: 1 }, { signal })).rejects.toMatchObject({ code: 'CANCELLED' });
    await publisher.publish({ value: 2 });
    expect(await received()).toEqual([{ value: 2 }]);
  },

  'close waits for what is under way': async ({ publisher, received }) => {
    const published = numbered(20).map((message) => publisher.publish(message));
    await publisher.close();
    expect(await received()).toEqual(numbered(20));
    await Promise.all(published);
  },

  'refuses to publish after close': async ({ publisher, received }) => {
    await publisher.close();
    await expect(publisher.publish({ value: 1 })).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(await received()).toEqual([]);
  },

  'closing twice is harmless': async ({ publisher }) => {
    await Promise.all([publisher.close(), publisher.close()]);
    await expect(publisher.close()).resolves.toBeUndefined();
  },
} satisfies Record<string, (target: PublisherTarget) => Promise<void>>;

/**
 * What every `Publisher` promises.
 *
 * @example
 * describePublisher('memory queue', { open: openQueue, skip: { 'delivers the key': 'a Redis channel has no keys' } });
 */
export function describePublisher(name: string, subject: ContractSubject<PublisherTarget, keyof typeof TESTS>): void {
  describeContract(`Publisher: ${name}`, TESTS, subject);
}
