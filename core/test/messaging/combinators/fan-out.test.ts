import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeadLetterFile, FanOutPublisher, HolderPublisher, MillraceError, RouterPublisher } from '@millrace/core';
import type { Message, PublisherConfig } from '@millrace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Does not take negative numbers. */
class Picky extends HolderPublisher {
  override async publish(message: Message): Promise<void> {
    if ((message.value as number) < 0) throw new MillraceError('REFUSED', 'it is negative');
    await super.publish(message);
  }
}

const valuesOf = (holder: HolderPublisher): unknown[] => holder.getPublishedMessages().map(({ value }) => value);

async function open(config?: PublisherConfig) {
  const children = [new Picky('picky'), new HolderPublisher('all')] as const;
  const publisher = new FanOutPublisher('both', children, config);
  await publisher.start();
  return { publisher, children };
}

const countryOf = ({ value }: Message): string => {
  const { country } = value as { country?: string };
  if (country === undefined) throw new Error('no country');
  return country;
};

const parityOf = async ({ value }: Message): Promise<string> => {
  for (let turns = (value as number) % 7; turns > 0; turns--) await Promise.resolve();
  return (value as number) % 2 === 0 ? 'even' : 'odd';
};

describe('fan-out', () => {
  it.each([
    ['fan-out', (child: HolderPublisher) => new FanOutPublisher('all', [child])],
    ['router', (child: HolderPublisher) => new RouterPublisher('all', { routes: { a: child }, resolver: () => 'a' })],
  ])('suspends and resumes its children, as every %s', async (_, over) => {
    const child = new HolderPublisher('child');
    const publisher = over(child);
    await publisher.start();
    publisher.suspend();
    expect([publisher, child].map((each) => each.details().suspended)).toEqual([true, true]);
    const published = publisher.publish({ value: 1 });
    publisher.resume();
    await published;
    expect([publisher, child].map((each) => each.details().suspended)).toEqual([false, false]);
    await publisher.close();
  });

  it('leaves no child open when one cannot start', async () => {
    const children = [new HolderPublisher('good'), new HolderPublisher('used')] as const;
    await children[1].close();
    for (const publisher of [
      new FanOutPublisher('both', children),
      new RouterPublisher('both', { routes: { a: new HolderPublisher('a'), b: children[1] }, resolver: () => 'a' }),
    ]) {
      await expect(publisher.start()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      const states = Object.values(publisher.details().publishers).map(({ state }) => state);
      expect(states).toEqual(['stopped', 'stopped']);
    }
  });

  it('goes on with the others when a child refuses, and counts that', async () => {
    const { publisher, children } = await open();
    for (const value of [1, -2, 3]) await publisher.publish({ value });
    expect(children.map(valuesOf)).toEqual([
      [1, 3],
      [1, -2, 3],
    ]);
    expect(publisher.details()).toMatchObject({
      publish_count: 3,
      publisher_count: 2,
      child_errors: 1,
      publishers: { picky: { publish_count: 2 }, all: { publish_count: 3 } },
    });
    await publisher.close();
    expect(children.map((child) => child.details().state)).toEqual(['stopped', 'stopped']);
  });

  it('refuses what every child refuses', async () => {
    const { publisher } = await open();
    publisher.remove('all');
    await expect(publisher.publish({ value: -1 })).rejects.toMatchObject({ code: 'REFUSED' });
    expect(publisher.details()).toMatchObject({ refused: 1, child_errors: 1 });
    await publisher.close();
  });

  it('adds, removes, gets and lists children, each name once', async () => {
    const { publisher, children } = await open();
    const late = new HolderPublisher('late');
    await publisher.add(late);
    await expect(publisher.add(new HolderPublisher('late'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(publisher.list()).toEqual(['picky', 'all', 'late']);
    expect(publisher.get('all')).toBe(children[1]);
    expect([publisher.remove('all'), publisher.remove('none')]).toEqual([children[1], undefined]);
    await publisher.publish({ value: 1 });
    expect([valuesOf(late), valuesOf(children[1])]).toEqual([[1], []]);
    await publisher.close();
  });

  it('passes on in batches at its own interval', async () => {
    const { publisher, children } = await open({ publish_interval: 3600, batch_size: 3 });
    for (const value of [1, 2]) await publisher.enqueue({ value });
    expect(valuesOf(children[1])).toEqual([]);
    await publisher.publish({ value: 3 });
    expect(valuesOf(children[1])).toEqual([1, 2, 3]);
    await publisher.close();
  });

  it('closes by its deadline although a child does not take anything', async () => {
    const stuck = new HolderPublisher('stuck', { predicate: () => new Promise(() => {}) });
    const publisher = new FanOutPublisher('both', [stuck, new HolderPublisher('all')]);
    await publisher.start();
    const [closed, published] = await Promise.allSettled([
      publisher.publish({ value: 1 }),
      publisher.close({ deadlineMs: 50 }),
    ]);
    expect([closed, published]).toMatchObject([{ reason: { code: 'TIMEOUT' } }, { reason: { code: 'TIMEOUT' } }]);
    expect(stuck.details().state).toBe('stopped');
  });
});

describe('router', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-router-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('sends each message where its content says, and the unknown ones to the dead letters', async () => {
    const routes = { PL: new HolderPublisher('warsaw'), DE: new HolderPublisher('berlin') };
    const deadLetters = join(folder, 'letters', 'unrouted.jsonl');
    const router = new RouterPublisher('orders', { routes, resolver: countryOf, deadLetters });
    await router.start();
    const countries = ['PL', 'DE', 'FR', 'PL', 'constructor'];
    await Promise.all(countries.map((country) => router.publish({ value: { country } })));
    await expect(router.publish({ value: {} })).rejects.toThrow('no country');
    expect(Object.values(routes).map((route) => route.getPublishedMessages().length)).toEqual([2, 1]);
    const lines = (await readFile(deadLetters, 'utf8')).trimEnd().split('\n');
    const letters = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(letters).toEqual(
      ['FR', 'constructor'].map((key) => ({
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        router_name: 'orders',
        routing_key: key,
        available_keys: ['PL', 'DE'],
        data: { country: key },
      })),
    );
    expect(router.details()).toMatchObject({
      routed_count: 3,
      unrouted_count: 2,
      error_count: 1,
      routing_efficiency: 50,
      publish_count: 5,
      refused: 1,
    });
    await router.close();
  });

  it('writes a dead letter on a line of its own behind what a crash has left of another one', async () => {
    const file = new DeadLetterFile(join(folder, 'letters.jsonl'));
    await file.write({ data: 1 });
    await writeFile(file.path, '{"data":', { flag: 'a' });
    await file.write({ data: 2 });
    await file.write({ data: 3 });
    expect(await readFile(file.path, 'utf8')).toBe('{"data":1}\n{"data":\n{"data":2}\n{"data":3}\n');
  });

  it('keeps the order within each route, also when its resolver takes its time', async () => {
    const routes = { even: new HolderPublisher('even'), odd: new HolderPublisher('odd') };
    const router = new RouterPublisher('numbers', { routes, resolver: parityOf });
    await router.start();
    const numbers = Array.from({ length: 500 }, (_, value) => value);
    await Promise.all(numbers.map((value) => router.publish({ value })));
    expect(valuesOf(routes.even)).toEqual(numbers.filter((value) => value % 2 === 0));
    expect(valuesOf(routes.odd)).toEqual(numbers.filter((value) => value % 2 === 1));
    await router.close();
  });

  it('tries again when the dead letters cannot be written', async () => {
    const router = new RouterPublisher(
      'lost',
      { routes: {}, resolver: () => 'x', deadLetters: folder },
      { retry_max: 2 },
    );
    await router.start();
    await expect(router.publish({ value: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await router.close();
  });
});
