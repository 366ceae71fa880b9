import { randomUUID } from 'node:crypto';
import { type JsonValue, openPublisher, openSubscriber } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis, startTcpProxy } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { parseStreamPlace } from '../../src/subscriber/stream-place.ts';

const HIGHEST = '18446744073709551615';

describe('the place to begin at in a stream', () => {
  it.each([
    ['earliest', { after: '0-0' }],
    ['start', { after: '0-0' }],
    ['latest', 'latest'],
    ['end', 'latest'],
    ['0', { after: '0-0' }],
    ['5-3', { after: '5-2' }],
    ['5', { after: `4-${HIGHEST}` }],
    ['1970-01-01T00:00:01Z', { after: `999-${HIGHEST}` }],
  ])('%s', (text, place) => {
    expect(parseStreamPlace(text)).toEqual(place);
  });

  it.each(['-1', 'nowhere', '5-', '1-2-3', '1960-01-01'])('is not %s', (text) => {
    expect(() => parseStreamPlace(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ value: text }) as object }),
    );
  });
});

/** So many values, and what else comes soon. */
async function read(url: string, from: string, count: number): Promise<JsonValue[]> {
  const subscriber = await openSubscriber(url, { from });
  const values: JsonValue[] = [];
  for (;;) {
    const message = await subscriber.next({ timeoutMs: values.length < count ? 60_000 : 300 });
    if (message === undefined) break;
    values.push(message.value);
  }
  await subscriber.close();
  return values;
}

describe.skipIf(!serverAvailable('redis'))('a reader of a stream, without a group', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  /** A stream whose entries have the IDs 1-0 to 5-0, and the values 1 to 5. */
  async function fiveEntries(): Promise<{ readonly stream: string; readonly url: string }> {
    const stream = randomUUID();
    for (let id = 1; id <= 5; id++) await redisCommand(server, 'XADD', stream, `${id}-0`, 'data', String(id));
    return { stream, url: `redisstream://127.0.0.1:${server.port}/${stream}` };
  }

  it('begins where it is told, sees everything again, and leaves no group behind', async () => {
    const { stream, url } = await fiveEntries();
    expect(await read(url, 'earliest', 5)).toEqual([1, 2, 3, 4, 5]);
    expect(await read(url, 'earliest', 5)).toEqual([1, 2, 3, 4, 5]);
    expect(await read(url, '4-0', 2)).toEqual([4, 5]);
    expect(await read(url, '1970-01-01T00:00:00.003Z', 3)).toEqual([3, 4, 5]);
    expect(await read(url, '2026-01-01', 0)).toEqual([]);
    expect(await redisCommand(server, 'XINFO', 'GROUPS', stream)).toEqual([]);
  });

  it('goes on after a lost connection, from the end of then', async () => {
    const { url } = await fiveEntries();
    const proxy = await startTcpProxy({ target: { port: server.port } });
    onTestFinished(() => proxy.stop());
    const proxied = url.replace(`:${server.port}/`, `:${proxy.port}/`);
    const [publisher, subscriber] = [await openPublisher(url), await openSubscriber(proxied, { from: 'latest' })];
    for (const value of [6, 7, 8]) {
      await publisher.publish({ value });
      expect((await subscriber.next({ timeoutMs: 60_000 }))?.value).toBe(value);
      proxy.cut();
    }
    await Promise.all([publisher.close(), subscriber.close()]);
  });

  it('tells a new group where to begin', async () => {
    const { url } = await fiveEntries();
    const subscriber = await openSubscriber(url, { group: 'late', from: '3-0' });
    expect((await subscriber.next({ timeoutMs: 60_000 }))?.value).toBe(3);
    await subscriber.close();
  });
});
