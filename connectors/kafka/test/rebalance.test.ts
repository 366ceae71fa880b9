import { setTimeout as sleep } from 'node:timers/promises';

import { openPublisher, openSubscriber, type Subscriber } from '@millrace/core';
import { expect, it, onTestFinished } from 'vitest';

import { describeOnKafka, newTopic, useKafka } from './fixture.ts';
import { until } from './load.ts';

const kafka = useKafka();
const MESSAGES = 2000;
const KEYS = 20;

/** A member whose application takes its time for every message. */
class SlowMember {
  readonly received: { readonly key: string; readonly value: number }[];
  readonly #stop = new AbortController();
  readonly #subscriber: Subscriber;
  readonly #running: Promise<void>;

  constructor(subscriber: Subscriber, received: SlowMember['received']) {
    this.#subscriber = subscriber;
    this.received = received;
    const work = async ({ key, value }: { readonly key?: string; readonly value: unknown }): Promise<void> => {
      await sleep(3);
      received.push({ key: key!, value: value as number });
    };
    this.#running = subscriber.subscribe(work, { signal: this.#stop.signal });
  }

  /** In order: what it has in its hands is finished, and acknowledged. */
  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#subscriber.close();
  }

  get reconnects(): number {
    return this.#subscriber.details().reconnects;
  }
}

describeOnKafka('slow members of a group that come and go', () => {
  it('lose nothing and double nothing, and do not wait for what others have received ahead', async () => {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 6 });
    onTestFinished(() => publisher.close());
    for (let value = 0; value < MESSAGES; value++) void publisher.publish({ key: `k${value % KEYS}`, value });
    await publisher.flush();
    const received: SlowMember['received'] = [];
    // Patience for a busy machine, too.
    const config = { group_id: 'slow', session_timeout: '30s' };
    const join = async (): Promise<SlowMember> => new SlowMember(await openSubscriber(url, config), received);
    const first = await join();
    await until(() => received.length > 50);
    const second = await join();
    await until(() => received.length > 200);
    const third = await join();
    await until(() => received.length > 500);
    await second.leave();
    await until(() => received.length > 700);
    const fourth = await join();
    await until(() => new Set(received.map(({ value }) => value)).size === MESSAGES);
    const members = [first, second, third, fourth];
    // Whoever loses patience gives its connection up.
    expect(members.map(({ reconnects }) => reconnects)).toEqual([0, 0, 0, 0]);
    await Promise.all([first.leave(), third.leave(), fourth.leave()]);
    expect(received).toHaveLength(MESSAGES);
    for (let key = 0; key < KEYS; key++) {
      const values = received.filter((message) => message.key === `k${key}`).map(({ value }) => value);
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
  });
});
