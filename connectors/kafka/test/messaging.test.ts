import { setTimeout as sleep } from 'node:timers/promises';

import {
  type JsonValue,
  type Message,
  openLogReader,
  openPublisher,
  openSubscriber,
  type Subscriber,
} from '@millrace/core';
import { describePublisher, describeSubscriber, expectAcknowledgedAtClose, readWhole } from '@millrace/testkit';
import { expect, it } from 'vitest';

import { describeOnKafka, newTopic, useKafka } from './fixture.ts';
import { until } from './load.ts';

const kafka = useKafka();

const messageOf = (key: string | undefined, value: Buffer): Message => ({
  ...(key === undefined ? {} : { key }),
  value: JSON.parse(value.toString()) as JsonValue,
});

describeOnKafka('on a real broker', () => {
  describePublisher('kafka', {
    async open() {
      const url = `${kafka().url}/${newTopic()}`;
      const publisher = await openPublisher(url, { partitions: 1 });
      const reader = await openLogReader(url);
      return {
        publisher,
        async received() {
          const { records } = await readWhole(reader);
          return records.map(({ key, value }) => messageOf(key, value));
        },
        async close() {
          await publisher.close();
          await reader.close();
        },
      };
    },
  });

  describeSubscriber('kafka', {
    async open() {
      const url = `${kafka().url}/${newTopic()}`;
      const publisher = await openPublisher(url, { partitions: 1 });
      const subscriber = await openSubscriber(url);
      return {
        subscriber,
        send: (message) => publisher.publish(message),
        async close() {
          await publisher.close();
          await subscriber.close();
        },
      };
    },
  });
});

describeOnKafka('subscribers of one group', () => {
  it('share the messages while they come and go: none is lost, none comes twice, every key keeps its order', async () => {
    // The first broker of the list is not there.
    const url = `kafka://127.0.0.1:1,${kafka().bootstrap}/${newTopic()}?client_id=test`;
    const publisher = await openPublisher(url, { partitions: 6 });
    const received = new Map<string, number[]>();
    let count = 0;
    const join = async (): Promise<{ subscriber: Subscriber; done: Promise<void> }> => {
      const subscriber = await openSubscriber(url, { group_id: 'sharing', session_timeout: '30s' });
      const done = (async () => {
        for await (const { key, value } of subscriber) {
          received.set(key!, [...(received.get(key!) ?? []), value as number]);
          count++;
        }
      })();
      return { subscriber, done };
    };
    const members = [await join()];
    const published: Promise<void>[] = [];
    for (let number = 0; number < 3000; number++) {
      published.push(publisher.publish({ key: `k${number % 20}`, value: number }));
      if (number % 10 === 0) await sleep(5);
      if (number === 600 || number === 1200) members.push(await join());
      if (number === 2000) await members[0]!.subscriber.close();
    }
    await Promise.all(published);
    await until(() => count >= 3000);
    await Promise.all(members.map(({ subscriber }) => subscriber.close()));
    await Promise.all(members.map(({ done }) => done));
    await publisher.close();
    expect(count).toBe(3000);
    for (const [key, numbers] of received) {
      expect(numbers).toEqual(Array.from({ length: 150 }, (_, i) => Number(key.slice(1)) + 20 * i));
    }
  });

  it('go on where the group was, also when nobody was there meanwhile', async () => {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 1 });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 5; i++) await publisher.publish({ value: 5 * round + i });
      const subscriber = await openSubscriber(url, { group_id: 'resuming' });
      const values: unknown[] = [];
      for (let i = 0; i < 5; i++) values.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
      // Asking for the next acknowledges the last.
      expect(await subscriber.next({ timeoutMs: 0 })).toBeUndefined();
      await subscriber.close();
      expect(values).toEqual(Array.from({ length: 5 }, (_, i) => 5 * round + i));
    }
    await publisher.close();
  });

  it('acknowledge at close what a handler finishes meanwhile', async () => {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 1 });
    await expectAcknowledgedAtClose(publisher, () => openSubscriber(url, { group_id: 'closing' }));
    await publisher.close();
  });

  it('begin at the end where they are told to', async () => {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 1 });
    await publisher.publish({ value: 'old' });
    const subscriber = await openSubscriber(url, { auto_offset_reset: 'latest' });
    // The end is looked up once the group has let it in.
    let message: Message | undefined;
    while (message === undefined) {
      await publisher.publish({ value: 'new' });
      message = await subscriber.next({ timeoutMs: 500 });
    }
    expect(message).toMatchObject({ value: 'new' });
    await Promise.all([subscriber.close(), publisher.close()]);
  });
});
