import { openPublisher, openSubscriber, type JsonValue, type Publisher, type Subscriber } from '@millrace/core';
import { Admin } from '@platformatic/kafka';
import { describe, expect, it, onTestFinished } from 'vitest';

import { parseStartPlace } from '../src/consume/start-place.ts';
import { committedOffset } from './committed-offset.ts';
import { describeOnKafka, newTopic, useKafka } from './fixture.ts';

const kafka = useKafka();

describe('the place to begin at', () => {
  it.each([
    ['earliest', 'earliest'],
    ['start', 'earliest'],
    ['latest', 'latest'],
    ['end', 'latest'],
    ['0', { near: 0 }],
    ['1234', { near: 1234 }],
    ['-10', { last: 10 }],
    ['2026-03-22', { since: Date.UTC(2026, 2, 22) }],
    ['2026-03-22T12:15', { since: Date.UTC(2026, 2, 22, 12, 15) }],
    ['2026-03-22T12:15:00.5Z', { since: Date.UTC(2026, 2, 22, 12, 15, 0, 500) }],
    ['2026-03-22T12:15:00+01:00', { since: Date.UTC(2026, 2, 22, 11, 15) }],
  ])('%s', (text, place) => {
    expect(parseStartPlace(text)).toEqual(place);
  });

  it.each(['', 'nowhere', '1.5', '9007199254740993', '2026-13-01', 'yesterday', 'constructor'])('is not %j', (text) => {
    expect(() => parseStartPlace(text)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: expect.objectContaining({
          field: 'from',
          value: text,
          accepted: expect.stringContaining('earliest') as string,
        }) as object,
      }),
    );
  });
});

/** A topic whose partition 0 has the values 0 to 9. */
async function tenMessages(): Promise<{ url: string; publisher: Publisher }> {
  const url = `${kafka().url}/${newTopic()}`;
  const publisher = await openPublisher(url, { partitions: 1 });
  onTestFinished(() => publisher.close());
  for (let value = 0; value < 10; value++) await publisher.publish({ value });
  return { url, publisher };
}

/** So many, and what else comes soon. */
function readAll(url: string, config: Record<string, string>, count: number): Promise<JsonValue[]> {
  return read(url, config, count, Infinity);
}

/** At least so many, and at most so many of those that come soon. */
async function read(url: string, config: Record<string, string>, least: number, most = least): Promise<JsonValue[]> {
  const subscriber = await openSubscriber(url, config);
  const values: JsonValue[] = [];
  while (values.length < most) {
    const message = await subscriber.next({ timeoutMs: values.length < least ? 60_000 : 500 });
    if (message === undefined) break;
    subscriber.acknowledge(message);
    values.push(message.value);
  }
  await subscriber.close();
  return values;
}

describeOnKafka('a subscriber without a group', () => {
  it.each([
    ['earliest', 0],
    ['7', 7],
    ['99', 10],
    ['-3', 7],
    ['-99', 0],
    ['2000-01-01', 0],
    ['2999-01-01T00:00:00Z', 10],
  ])('begins at %s', async (from, first) => {
    const { url } = await tenMessages();
    const expected = Array.from({ length: 10 - first }, (_, i) => first + i);
    expect(await readAll(url, { from }, expected.length)).toEqual(expected);
  });

  it('begins at a time, and at the end', async () => {
    const { url, publisher } = await tenMessages();
    const since = new Date(Date.now() + 1).toISOString();
    await expect.poll(() => new Date().toISOString() > since).toBe(true);
    const subscriber = await openSubscriber(url, { from: 'latest' });
    await publisher.publish({ value: 'new' });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({ value: 'new' });
    await subscriber.close();
    expect(await readAll(url, { from: since }, 1)).toEqual(['new']);
  });

  it('takes nothing from others, and leaves no group behind', async () => {
    const { url } = await tenMessages();
    const both = await Promise.all([readAll(url, { from: '5' }, 5), readAll(url, { from: '5' }, 5)]);
    expect(both).toEqual([
      [5, 6, 7, 8, 9],
      [5, 6, 7, 8, 9],
    ]);
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka().bootstrap] });
    const groups = await admin.listGroups();
    await admin.close();
    expect([...groups.keys()].filter((group) => group.includes(new URL(url).pathname.slice(1)))).toEqual([]);
  });

  it('says what it accepts, before it connects', async () => {
    const away = 'kafka://127.0.0.1:1/orders';
    await expect(openSubscriber(away, { from: 'nowhere' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(openSubscriber(away, { from: '1', auto_offset_reset: 'latest' })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describeOnKafka('a group', () => {
  it('begins where it is told while Kafka does not know it, and goes on from there', async () => {
    const { url } = await tenMessages();
    const config = { from: '7', group_id: newTopic() };
    expect(await read(url, config, 1)).toEqual([7]);
    expect(await readAll(url, config, 2)).toEqual([8, 9]);
    expect(await committedOffset(url, config.group_id)).toBe(10);
  });

  it('of a subscriber without a name stays the same when brokers, options or the user change', async () => {
    const { url } = await tenMessages();
    expect(await read(url, {}, 4)).toEqual([0, 1, 2, 3]);
    const otherUrl = url.replace('127.0.0.1', 'localhost');
    expect(await readAll(`${otherUrl}?session_timeout=9s`, {}, 6)).toEqual([4, 5, 6, 7, 8, 9]);
    expect(await committedOffset(url, `${new URL(url).pathname.slice(1)}_group`)).toBe(10);
  });

  it('goes on in partitions that the topic has got since it was opened', async () => {
    const { url } = await tenMessages();
    const group = newTopic();
    const topic = new URL(url).pathname.slice(1);
    const values: JsonValue[] = [];
    const come = (count: number) => expect.poll(() => values.length).toBe(count);
    const reading: Promise<void>[] = [];
    const join = async (): Promise<Subscriber> => {
      const subscriber = await openSubscriber(url, { group_id: group });
      reading.push(subscriber.subscribe(({ value }) => void values.push(value)));
      return subscriber;
    };
    const early = await join();
    await come(10);
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka().bootstrap] });
    await admin.createPartitions({ topics: [{ name: topic, count: 2, assignments: [{ brokerIds: [1] }] }] });
    await admin.close();
    const publisher = await openPublisher(url);
    const late = await join();
    // Of key d is the new partition.
    for (let value = 10; value < 15; value++) await publisher.publish({ key: 'd', value });
    await come(15);
    await late.close();
    await publisher.publish({ key: 'd', value: 15 });
    await come(16);
    await Promise.all([early.close(), publisher.close()]);
    await Promise.all(reading);
    expect(values.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });
});
