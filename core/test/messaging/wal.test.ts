import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPublisher, createRegistry, FanOutPublisher, openPublisher } from '@millrace/core';
import type { Connector } from '@millrace/core';
import { firstArrivals } from './scripted-target.ts';

let directory: string;
let file: string;
const url = `custom:${join(import.meta.dirname, 'wal-target.ts')}`;
const walUrl = (): string => `embedded:${join(directory, 'wal')}`;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-wal-'));
  file = join(directory, 'target.jsonl');
  await writeFile(file, '');
  vi.stubEnv('MILLRACE_TEST_TARGET', file);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

const arrived = async (): Promise<number[]> => (await readFile(file, 'utf8')).split('\n').slice(0, -1).map(Number);

/** Publishes in a process of its own, which is killed once so many more are safe. Returns the first that may not be. */
async function publishUntilKilled(first: number, count: number): Promise<number> {
  const script = join(import.meta.dirname, 'wal-process.ts');
  const child = spawn(process.execPath, [script, url, walUrl(), String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let safe = first - 1;
  for await (const line of createInterface(child.stdout)) {
    safe = Number(line);
    if (safe >= first + count) child.kill('SIGKILL');
  }
  await exited;
  return safe + 1;
}

it('keeps every message that was told to be safe, in order, over kill -9 and a target that is away', async () => {
  let next = await publishUntilKilled(0, 500);
  await writeFile(`${file}.away`, '');
  next = await publishUntilKilled(next, 500);
  await rm(`${file}.away`);
  next = await publishUntilKilled(next, 500);

  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await publisher.publish({ value: 'end' });
  await publisher.close();
  const details = publisher.details();
  expect(details).toMatchObject({ refused: 0, dropped: 0, queue_depth: 0, wal_bytes: expect.any(Number) });
  expect(details.publish_count).toBe(details.offered);

  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  expect(lines.at(-1)).toBe('"end"');
  const numbers = firstArrivals(lines.slice(0, -1).map(Number)) as number[];
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  const set = new Set(numbers);
  expect(Array.from({ length: next }, (_, value) => value).filter((value) => !set.has(value))).toEqual([]);
});

it('accepts while the target is away, and leaves the rest for the next start', async () => {
  await writeFile(`${file}.away`, '');
  const first = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  for (let value = 0; value < 100; value++) await first.publish({ value });
  expect(first.details()).toMatchObject({ offered: 100, publish_count: 0, queue_depth: 100 });
  await first.close({ deadlineMs: 20 });
  expect(await arrived()).toEqual([]);

  await rm(`${file}.away`);
  const second = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await second.publish({ key: 'k', value: 100, headers: { a: 'b' } });
  await second.flush();
  expect(await arrived()).toEqual([...Array.from({ length: 101 }).keys()]);
  expect(second.details()).toMatchObject({ offered: 101, publish_count: 101, queue_depth: 0 });
  await second.close();

  const third = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await third.close();
  expect(third.details()).toMatchObject({ offered: 0 });
});

it('counts what an earlier run has left from its start on, and what of it is damaged no more', async () => {
  await writeFile(`${file}.away`, '');
  const first = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  for (let value = 0; value < 3; value++) await first.publish({ value: `number ${value}` });
  await first.close({ deadlineMs: 1 });

  const second = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  expect(second.details()).toMatchObject({ offered: 3, publish_count: 0, queue_depth: 3 });
  await second.close({ deadlineMs: 1 });

  const [segment] = await readdir(join(directory, 'wal', 'log')).then((names) =>
    names.filter((name) => name.endsWith('.log')),
  );
  const path = join(directory, 'wal', 'log', segment!);
  const bytes = await readFile(path);
  bytes.write('NUMBER', bytes.indexOf('number 0'));
  await writeFile(path, bytes);
  await rm(`${file}.away`);
  const third = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await third.flush();
  expect(third.details()).toMatchObject({ offered: 2, publish_count: 2, queue_depth: 0 });
  await third.close();
});

it('lets callers wait while it is full, and goes on when the target is back', async () => {
  await writeFile(`${file}.away`, '');
  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl(), wal_max_bytes: 200 });
  const published = Array.from({ length: 50 }, (_, value) => publisher.publish({ value }));
  await published[0];
  const late = publisher.publish({ value: 50 });
  await expect.poll(() => publisher.details().last_error).toMatch('is full');
  await rm(`${file}.away`);
  await Promise.all([...published, late]);
  await publisher.close();
  expect(await arrived()).toEqual([...Array.from({ length: 51 }).keys()]);
});

it('is empty after a restart when all was delivered, although its files are larger than its bound', async () => {
  const options = { name: 'numbers', wal: walUrl(), wal_max_bytes: 200 };
  const first = await openPublisher(url, options);
  for (let value = 0; value < 50; value++) await first.publish({ value });
  await first.close();
  const second = await openPublisher(url, options);
  expect(second.details().wal_bytes).toBe(0);
  await second.publish({ value: 50 });
  await second.close();
  expect(await arrived()).toEqual([...Array.from({ length: 51 }).keys()]);
});

it('delivers what an earlier run left before flush and close resolve', async () => {
  await writeFile(`${file}.away`, '');
  const first = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  for (let value = 0; value < 100; value++) await first.publish({ value });
  await first.close({ deadlineMs: 1 });

  const second = await openPublisher(url, { name: 'numbers', wal: walUrl(), publish_interval: 60 });
  await rm(`${file}.away`);
  await second.flush();
  expect(await arrived()).toEqual([...Array.from({ length: 100 }).keys()]);
  await second.close();

  await writeFile(`${file}.away`, '');
  const third = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await third.publish({ value: 100 });
  await third.close({ deadlineMs: 1 });
  await rm(`${file}.away`);
  const fourth = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await fourth.close();
  expect(await arrived()).toEqual([...Array.from({ length: 101 }).keys()]);
});

it('refuses what the target does not take any more after a restart, and delivers the rest', async () => {
  await writeFile(`${file}.away`, '');
  const first = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  for (const value of [1, 'text', 2]) await first.publish({ value });
  await first.close({ deadlineMs: 1 });
  await rm(`${file}.away`);

  await writeFile(`${file}.unfit`, 'text');
  const errors: string[] = [];
  const onError = ({ code }: { readonly code: string }): void => void errors.push(code);
  const second = await openPublisher(url, { name: 'numbers', wal: walUrl(), onError });
  await second.publish({ value: 3 });
  await second.flush();
  expect(second.details()).toMatchObject({ offered: 4, publish_count: 3, refused: 1, queue_depth: 0, wal_bytes: 0 });
  await second.close();
  expect(errors).toEqual(['INVALID_ARGUMENT']);
  expect(await arrived()).toEqual([1, 2, 3]);
});

it('keeps what is safe while the target refuses the connection, as after a change of its password', async () => {
  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await publisher.publish({ value: 1 });
  await publisher.flush();
  await Promise.all([writeFile(`${file}.denied`, ''), writeFile(`${file}.away`, '')]);
  await publisher.publish({ value: 2 });
  await expect.poll(() => publisher.details().last_error).toMatch('lets nobody in');
  expect(publisher.details()).toMatchObject({ publish_count: 1, refused: 0, queue_depth: 1 });
  await rm(`${file}.denied`);
  await expect.poll(() => publisher.details().last_error).toMatch('is away');
  await rm(`${file}.away`);
  await publisher.close();
  expect(await arrived()).toEqual([1, 2]);
});

it('keeps what is safe while the target lets nobody write', async () => {
  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  await writeFile(`${file}.readonly`, '');
  await publisher.publish({ value: 1 });
  await expect.poll(() => publisher.details().last_error).toMatch('lets nobody write');
  expect(publisher.details()).toMatchObject({ publish_count: 0, refused: 0, queue_depth: 1 });
  await rm(`${file}.readonly`);
  await publisher.close();
  expect(await arrived()).toEqual([1]);
});

it('refuses a message that is too large for it, and no other', async () => {
  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl() });
  const values = [1, 2, 'x'.repeat(2 * 1024 * 1024), 3];
  const outcomes = await Promise.allSettled(values.map((value) => publisher.publish({ value })));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[2]).toMatchObject({ reason: { code: 'RECORD_TOO_LARGE' } });
  await publisher.close();
  expect(await arrived()).toEqual([1, 2, 3]);
});

it('makes room after a restart once what was left is delivered', async () => {
  const options = { name: 'numbers', wal: walUrl(), wal_max_bytes: 200 };
  await writeFile(`${file}.away`, '');
  const first = await openPublisher(url, options);
  for (let value = 0; value < 10; value++) await first.publish({ value });
  await first.close({ deadlineMs: 1 });
  const second = await openPublisher(url, options);
  const late = second.publish({ value: 10 });
  await expect.poll(() => second.details().last_error).toMatch('is full');
  await rm(`${file}.away`);
  await late;
  await second.close();
  expect(await arrived()).toEqual([...Array.from({ length: 11 }).keys()]);
});

it('paces what it sends by the interval, and flush does not wait for it', async () => {
  const publisher = await openPublisher(url, { name: 'numbers', wal: walUrl(), publish_interval: 60 });
  for (let value = 0; value < 10; value++) await publisher.publish({ value });
  expect(await arrived()).toEqual([]);
  await publisher.flush();
  expect(await arrived()).toEqual([...Array.from({ length: 10 }).keys()]);
  await publisher.publish({ value: 10 });
  await publisher.close();
  expect(await arrived()).toHaveLength(11);
});

it('is free again when its publisher could not start', async () => {
  await expect(openPublisher(`file://${directory}`, { wal: walUrl() })).rejects.toMatchObject({ code: 'REFUSED' });
  const publisher = await openPublisher(url, { wal: walUrl() });
  await publisher.close();
});

it.each([
  ['queue_type', 'priority'],
  ['resilient', true],
  ['retry_max', 3],
  ['after_retries', 'refuse'],
  ['buffer_max_messages', 5],
  ['buffer_overflow', 'drop-oldest'],
])('refuses %s, which it could not keep to', async (field, value) => {
  await expect(createPublisher('numbers', { destination: url, wal: walUrl(), [field]: value })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    details: { field, value },
  });
});

it('keeps to the options of a publisher: predicate, key_field, overflow and max_batch', async () => {
  await writeFile(`${file}.away`, '');
  const publisher = await openPublisher(url, {
    name: 'numbers',
    wal: walUrl(),
    wal_max_bytes: 1,
    key_field: 'id',
    max_batch: 2,
    max_queue_depth: 3,
    overflow: 'drop-newest',
    predicate: ({ key }) => key !== 'filtered',
  });
  await publisher.publish({ value: { id: 'filtered', n: 0 } });
  // The first one fills the buffer; two wait in a batch, three in the queue, and the rest has no room.
  await publisher.publish({ value: { id: 'a', n: 1 } });
  const others = Array.from({ length: 9 }, (_, n) => publisher.publish({ value: { id: 'b', n: n + 2 } }));
  const outcomes = Promise.allSettled(others);
  await expect.poll(() => publisher.details().dropped).toBeGreaterThan(0);
  await rm(`${file}.away`);
  const dropped = (await outcomes).filter(({ status }) => status === 'rejected').length;
  await publisher.flush();
  expect(publisher.details()).toMatchObject({
    offered: 10,
    filtered: 1,
    dropped,
    publish_count: 10 - dropped,
    queue_depth: 0,
  });
  await publisher.close();
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  expect(lines).toHaveLength(10 - dropped);
  // The field is the key now, and no part of the value.
  expect(lines[0]).toBe('{"n":1}');
});

it('is refused where it would not be kept: by publishers that are made of others', () => {
  expect(() => new FanOutPublisher('all', [], { wal: walUrl() })).toThrow(
    expect.objectContaining({ code: 'NOT_SUPPORTED' }),
  );
});

it('needs a connector that has a log', async () => {
  const none: Connector = {};
  const registry = createRegistry({ none: 'none' }, async () => ({ connector: none }));
  await expect(registry.openPublisher(url, { wal: 'none:x' })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
});
