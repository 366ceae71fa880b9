import { randomUUID } from 'node:crypto';
import { type Message, openPublisher } from '@millrace/core';
import {
  type RedisCluster,
  redisCommand,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BURST = 2500;

/** Entries as Redis gives them. */
type Entries = readonly (readonly [id: string, words: readonly string[]])[];

const entriesOf = async (server: { readonly port: number }, name: string): Promise<Entries> =>
  (await redisCommand(server, 'XRANGE', name, '-', '+')) as Entries;

/** How often Redis was sent a command of this name. */
async function calls(server: RedisServer, name: string): Promise<number> {
  const stats = String(await redisCommand(server, 'INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

async function burst(url: string, messages: readonly Message[]): Promise<readonly PromiseSettledResult<void>[]> {
  const publisher = await openPublisher(url);
  const results = await Promise.allSettled(messages.map((message) => publisher.publish(message)));
  await publisher.close();
  return results;
}

const numbers = (count = BURST): (Message & { readonly value: number })[] =>
  Array.from({ length: count }, (_, value) => ({ key: `key ${value}`, value }));

describe.skipIf(!serverAvailable('redis'))('a burst of stream entries', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it.each([
    ['goes in a few calls', ['+@all'], 10],
    ['goes as commands of their own where the user may run no script', ['+@all', '-@scripting'], 0],
  ])('%s, complete and in order', async (_what, rules, mostScripts) => {
    const [name, user] = [randomUUID(), randomUUID()];
    await redisCommand(server, 'ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', ...rules);
    await redisCommand(server, 'CONFIG', 'RESETSTAT');
    const results = await burst(`redisstream://${user}:secret@127.0.0.1:${server.port}/${name}`, numbers());
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true);
    const entries = await entriesOf(server, name);
    expect(entries.map(([, words]) => words)).toEqual(
      numbers().map(({ key, value }) => ['data', String(value), 'key', key]),
    );
    const scripts = (await calls(server, 'evalsha')) + (await calls(server, 'eval'));
    expect(scripts > 0).toBe(mostScripts > 0);
    expect(scripts).toBeLessThanOrEqual(mostScripts);
  });

  it('keeps keys and headers with their own entries, also where only some have them', async () => {
    const name = randomUUID();
    const shapes: Partial<Message>[] = [{}, { key: 'k' }, { headers: { h: '1' } }, { key: 'k', headers: { h: '2' } }];
    const messages = shapes.flatMap((shape) => Array.from({ length: 5 }, (_, value) => ({ value, ...shape })));
    await burst(`redisstream://127.0.0.1:${server.port}/${name}`, [...messages, ...messages]);
    const words = (await entriesOf(server, name)).map(([, fields]) => fields);
    const expected = messages.map(({ value, key, headers }) => [
      'data',
      JSON.stringify(value),
      ...(key === undefined ? [] : ['key', key]),
      ...(headers === undefined ? [] : ['headers', JSON.stringify(headers)]),
    ]);
    expect(words).toEqual([...expected, ...expected]);
  });

  it.each([
    ['maxlen=100', 100, 300],
    // Nothing is as old as that: all of them stay.
    ['max_age=1h', BURST, BURST],
  ])('is trimmed as %s says', async (option, least, most) => {
    const name = randomUUID();
    await burst(`redisstream://127.0.0.1:${server.port}/${name}?${option}`, numbers());
    const entries = await entriesOf(server, name);
    expect(entries.length).toBeGreaterThanOrEqual(least);
    expect(entries.length).toBeLessThanOrEqual(most);
    expect(entries.at(-1)?.[1]).toEqual(['data', String(BURST - 1), 'key', `key ${BURST - 1}`]);
  });

  it('is refused, all of it, where the key holds something else, and taken again when it does not', async () => {
    const name = randomUUID();
    await redisCommand(server, 'SET', name, 'taken');
    const publisher = await openPublisher(`redisstream://127.0.0.1:${server.port}/${name}`);
    const all = (): Promise<PromiseSettledResult<void>[]> =>
      Promise.allSettled(numbers(10).map((message) => publisher.publish(message)));
    const refused = await all();
    expect(refused.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
      Array.from({ length: 10 }, () => 'REFUSED'),
    );
    await redisCommand(server, 'DEL', name);
    expect((await all()).every(({ status }) => status === 'fulfilled')).toBe(true);
    await publisher.close();
    expect(await entriesOf(server, name)).toHaveLength(10);
  });
});

describe.skipIf(!serverAvailable('redis'))('a burst of stream entries on a Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  it('goes to the node of its stream, complete and in order', async () => {
    // By these hash tags, one on each node.
    for (const tag of ['a', 'b', 'c']) {
      const name = `{${tag}}${randomUUID()}`;
      const publisher = await openPublisher(`${cluster.url.replace('redis:', 'redisstream:')}/${name}?cluster=true`);
      await Promise.all(Array.from({ length: BURST }, (_, value) => publisher.publish({ value })));
      await publisher.close();
      // The nodes that do not hold it say so, in an error.
      const answers = await Promise.allSettled(cluster.nodes.map((node) => entriesOf(node, name)));
      const [entries, ...others] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      expect(others).toEqual([]);
      expect(entries?.map(([, [, data]]) => Number(data))).toEqual(Array.from({ length: BURST }, (_, value) => value));
    }
  });
});
