import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';

import { openEventLog, openPublisher, openSubscriber, type EventLog, type MillraceError } from '@millrace/core';
import { readWhole, type TcpProxy } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

import { describeOnKafka, newTopic, useKafka } from './fixture.ts';
import { Load, sorted, until } from './load.ts';

const kafka = useKafka({ proxy: true });
const proxy = (): TcpProxy => kafka().proxied!.proxy;
/** Of a topic that is reached through the proxy. */
const proxiedUrl = (query = ''): string => `${kafka().proxied!.url}/${newTopic()}${query}`;

async function openLog(url: string): Promise<EventLog> {
  const log = await openEventLog(url, { partitions: 3 });
  onTestFinished(() => log.close());
  return log;
}

/** Once or more: with a short time for delivery, a busy machine may leave the first attempts in doubt. */
async function append(log: EventLog, text: string): Promise<void> {
  const attempt = (): Promise<unknown> => log.append([{ value: Buffer.from(text) }]).then(() => 'written', codeOf);
  await expect.poll(attempt).toBe('written');
}

const codeOf = (error: unknown): unknown => (error as MillraceError).code;

const valuesIn = async (log: EventLog): Promise<Set<string>> =>
  new Set((await readWhole(log)).records.map(({ value }) => value.toString()));

describeOnKafka('an event log whose connections are cut', () => {
  it('writes everything once and reads everything once, in order', async () => {
    const log = await openLog(proxiedUrl('?linger=1ms&delivery_timeout=2m'));
    const load = new Load(log);
    const values: string[] = [];
    const at = new Map<number, number>();
    const stop = new AbortController();
    const consuming = log.consume('group', {
      start: async (partition) => at.get(partition) ?? 'earliest',
      handle: async (batches) => {
        for (const { partition, from, to, records } of batches) {
          expect(from).toBe(at.get(partition) ?? 0);
          at.set(partition, to);
          values.push(...records.map(({ value }) => Buffer.from(value).toString()));
        }
      },
      signal: stop.signal,
    });
    for (let cut = 0; cut < 20; cut++) {
      const before = values.length;
      await until(() => values.length > before);
      await sleep(Math.random() * 40);
      proxy().cut();
    }
    const sent = await load.stop();
    await until(() => values.length >= sent.length);
    stop.abort();
    await consuming;
    expect(sorted(values)).toEqual(sent);
  });

  it('says what is in doubt and what was never sent, and then goes on', async () => {
    const log = await openLog(proxiedUrl('?delivery_timeout=3s&linger=0'));
    await append(log, 'before');
    proxy().blackHole(true);
    const underWay = log.append([{ value: Buffer.from('in doubt') }]);
    // The request goes out in the turn after this one: what is appended then waits for its answer.
    for (let turn = 0; turn < 3; turn++) await immediate();
    const waiting = log.append([{ value: Buffer.from('waits') }]);
    const [first, second] = await Promise.allSettled([underWay, waiting]);
    proxy().cut();
    proxy().blackHole(false);
    expect(first).toMatchObject({ reason: { code: 'LOG_FAILED', retry: false } });
    expect(second).toMatchObject({ reason: { code: 'UNAVAILABLE', retry: true } });
    await append(log, 'after');
    const values = await valuesIn(log);
    expect([...values]).toEqual(expect.arrayContaining(['before', 'after']));
    expect(values).not.toContain('waits');
  });

  it('knows that nothing was written while nobody listens', async () => {
    const log = await openLog(proxiedUrl('?delivery_timeout=1s'));
    proxy().refuse();
    proxy().cut();
    await expect(log.append([{ value: Buffer.from('refused') }])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await proxy().accept();
    await append(log, 'after');
    expect(await valuesIn(log)).toEqual(new Set(['after']));
  });

  it('refuses more than it can hold', async () => {
    const log = await openLog(proxiedUrl('?delivery_timeout=2s'));
    proxy().blackHole(true);
    const value = Buffer.alloc(1024 * 1024);
    const appends = Array.from({ length: 100 }, () => log.append([{ value }]));
    const settled = await Promise.allSettled(appends);
    proxy().cut();
    proxy().blackHole(false);
    const codes = settled.map((result) =>
      result.status === 'rejected' ? (result.reason as { code: string }).code : '',
    );
    expect(codes.filter((code) => code === 'QUEUE_FULL').length).toBeGreaterThan(30);
    expect(codes.filter((code) => code === 'UNAVAILABLE').length).toBeGreaterThan(30);
  });
});

describeOnKafka('publisher and subscriber whose connections are cut', () => {
  it('lose nothing and keep the order of every key', async () => {
    const url = proxiedUrl();
    const publisher = await openPublisher(url, { partitions: 3, partition_key: 'user' });
    const subscriber = await openSubscriber(url);
    const received = new Map<string, number[]>();
    let last = 0;
    const receiving = (async () => {
      for await (const { key, value } of subscriber) {
        const { number } = value as { number: number };
        received.set(key!, [...(received.get(key!) ?? []), number]);
        last = Math.max(last, number);
      }
    })();
    const published: Promise<void>[] = [];
    for (let number = 0; number < 2000; number++) {
      published.push(publisher.publish({ value: { user: `u${number % 7}`, number } }));
      if (number % 100 === 50) proxy().cut();
      if (number % 10 === 0) await sleep(5);
    }
    await Promise.all(published);
    await publisher.close();
    await until(() => last === 1999);
    await until(() => new Set([...received.values()].flat()).size === 2000);
    await subscriber.close();
    await receiving;
    for (const numbers of received.values()) {
      // At least once: what was not acknowledged before a cut comes again, from there on in order.
      const firsts = [...new Set(numbers)];
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    }
  });
});
