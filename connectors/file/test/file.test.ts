import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher, openSubscriber } from '@millrace/core';
import type { Message, Subscriber, SubscriberConfig } from '@millrace/core';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
let path: string;
let url: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-file-'));
  path = join(folder, 'orders.jsonl');
  url = `file://${path}`;
});

afterEach(() => rm(folder, { recursive: true }));

async function valuesOf(subscriber: Subscriber): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const { value } of subscriber) values.push(value);
  await subscriber.close();
  return values;
}

const read = async (config?: SubscriberConfig): Promise<unknown[]> => valuesOf(await openSubscriber(url, config));

it('writes values alone, without keys, as any tool for JSON lines reads them', async () => {
  const publisher = await openPublisher(url);
  await publisher.publish({ key: 'a', value: { total: 12 }, headers: { trace: '1' } });
  await publisher.publish({ value: 'line\nfeed' });
  await publisher.close();
  expect(await readFile(path, 'utf8')).toBe('{"total":12}\n"line\\nfeed"\n');
});

it('keeps keys and headers in lines of messages, and takes other lines as values', async () => {
  const publisher = await openPublisher(url, { lines: 'messages' });
  await publisher.publish({ key: 'a', value: 1, headers: { trace: '1' } });
  await publisher.close();
  await appendFile(path, '{"total":12}\nnull\n');
  const subscriber = await openSubscriber(url, { lines: 'messages' });
  const messages: Message[] = [];
  for await (const message of subscriber) messages.push(message);
  await subscriber.close();
  expect(messages).toEqual([
    { key: 'a', value: 1, headers: { trace: '1' } },
    { value: { total: 12 } },
    { value: null },
  ]);
});

it('appends to what there is, and makes the folders that are missing', async () => {
  const deep = `file://${folder}/a/b/orders.jsonl?fsync=true`;
  for (const value of [1, 2]) {
    const publisher = await openPublisher(deep);
    await publisher.publish({ value });
    await publisher.close();
  }
  expect(await readFile(join(folder, 'a/b/orders.jsonl'), 'utf8')).toBe('1\n2\n');
});

it('ends the line that a killed writer left, and shows it as text', async () => {
  await writeFile(path, '{"a":1}\n{"b":');
  const publisher = await openPublisher(url);
  await publisher.publish({ value: { c: 3 } });
  await publisher.close();
  const torn = { _raw_data: '{"b":', _raw_type: 'string', _auto_packaged: true, _original_format: 'plain_text' };
  expect(await read()).toEqual([{ a: 1 }, torn, { c: 3 }]);
});

it('reads the last line without its line feed, empty lines not, CRLF, long lines and bytes that are no text', async () => {
  const long = 'x'.repeat(200_000);
  await writeFile(path, `1\r\n\n"${long}"\n`);
  await appendFile(path, Buffer.from([0xff, 10]));
  await appendFile(path, '"last"');
  expect(await read()).toEqual([1, long, expect.objectContaining({ _raw_data: 'ff', _raw_type: 'bytes' }), 'last']);
});

it('waits for the rest of a line when it follows, or will go on later', async () => {
  await writeFile(path, '1\n{"a"');
  const following = await openSubscriber(url, { follow: true });
  expect(await following.next()).toEqual({ value: 1 });
  expect(await following.next({ timeoutMs: 50 })).toBeUndefined();
  const config = { position: join(folder, 'position.json') };
  expect(await read(config)).toEqual([1]);
  await appendFile(path, ':2}\n');
  expect(await following.next()).toEqual({ value: { a: 2 } });
  await following.close();
  expect(await read(config)).toEqual([{ a: 2 }]);
});

it('goes on behind what was acknowledged, and at the start of a new file', async () => {
  await writeFile(path, '1\n2\n3\n');
  const config = { position: join(folder, 'position.json') };
  const first = await openSubscriber(url, config);
  expect([await first.next(), await first.next()]).toEqual([{ value: 1 }, { value: 2 }]);
  await first.close();
  // 2 was given away, and nobody has asked for the next one.
  expect(await read(config)).toEqual([2, 3]);
  expect(await read(config)).toEqual([]);
  await rm(path);
  await writeFile(path, '4\n');
  expect(await read(config)).toEqual([4]);
});

it('reads everything once over a million bytes, whatever the block', async () => {
  const values = Array.from({ length: 30_000 }, (_, index) => ({ index, text: 'ł'.repeat(index % 30) }));
  await writeFile(path, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  expect(await read({ max_depth: 100 })).toEqual(values);
});

it('begins at the end when told so, and at the start of a file that was emptied', async () => {
  await writeFile(path, '1\n2\n');
  const subscriber = await openSubscriber(url, { follow: true, from: 'end' });
  await appendFile(path, '3\n');
  expect(await subscriber.next()).toEqual({ value: 3 });
  await truncate(path);
  expect(await subscriber.next({ timeoutMs: 50 })).toBeUndefined();
  await appendFile(path, '4\n');
  expect(await subscriber.next()).toEqual({ value: 4 });
  await subscriber.close();
});

it('waits for a file only when it follows', async () => {
  await expect(openSubscriber(url)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const subscriber = await openSubscriber(url, { follow: true });
  await writeFile(path, '1\n');
  expect(await subscriber.next()).toEqual({ value: 1 });
  await subscriber.close();
});

it.each([
  ['file://orders.jsonl', 'INVALID_ARGUMENT'],
  ['file:', 'INVALID_ARGUMENT'],
  ['file:%zz', 'INVALID_ARGUMENT'],
  ['file:orders.jsonl?folow=true', 'UNKNOWN_OPTION'],
  ['file:orders.jsonl?follow=yes', 'INVALID_OPTION'],
  [`file://${tmpdir()}`, 'REFUSED'],
])('says what is wrong with %s: %s', async (wrong, code) => {
  await expect(openSubscriber(wrong)).rejects.toMatchObject({ code });
});

it('refuses to write to a folder', async () => {
  await expect(openPublisher(`file://${folder}`)).rejects.toMatchObject({ code: 'REFUSED' });
});

it('refuses a position file that holds something else', async () => {
  await writeFile(path, '1\n');
  await expect(openSubscriber(url, { position: path })).rejects.toMatchObject({ code: 'REFUSED' });
});

it('reads a relative path with escapes from the working directory', async () => {
  const relative = 'file:no%20such.jsonl';
  await expect(openSubscriber(relative)).rejects.toThrow(join(process.cwd(), 'no such.jsonl'));
});
