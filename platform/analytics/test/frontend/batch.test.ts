import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MillraceError } from '@millrace/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitItems, type BatchItem } from '../../src/frontend/batch-items.ts';
import type { BatchResult } from '../../src/frontend/schemas.ts';
import { refusal, startFrontend, TAG, tagWith, type TestFrontend } from './support/frontend.ts';

type Body = string | Uint8Array<ArrayBuffer>;

const NDJSON = { 'content-type': 'application/x-ndjson' };
const JSON_TYPE = { 'content-type': 'application/json' };

const post = ({ request }: TestFrontend, body: Body, headers: Record<string, string> = NDJSON): Promise<Response> =>
  request('/user_tags/batch', { method: 'POST', body, headers });

async function result(response: Response): Promise<BatchResult> {
  expect(response.status).toBe(200);
  return (await response.json()) as BatchResult;
}

const tags = (count: number): object[] => Array.from({ length: count }, (_, i) => tagWith({ cookie: `c${i}` }));
const lines = (items: readonly object[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('');
const cookies = ({ backend }: TestFrontend): string[] => backend.events.map(({ key }) => key);

describe('POST /user_tags/batch', () => {
  it('stores lines, in their order', async () => {
    const test = await startFrontend();
    expect(await result(await post(test, lines(tags(3))))).toEqual({ accepted: 3, rejected: [], rejectedCount: 0 });
    expect(cookies(test)).toEqual(['c0', 'c1', 'c2']);
    expect(test.frontend.figures()).toMatchObject({ accepted: 3, rejected: 0 });
  });

  it('stores the elements of an array, in their order', async () => {
    const test = await startFrontend();
    const body = JSON.stringify([...tags(2), tagWith({ cookie: 'a]b,"c\\' })], null, 2);
    expect(await result(await post(test, body, JSON_TYPE))).toMatchObject({ accepted: 3, rejectedCount: 0 });
    expect(cookies(test)).toEqual(['c0', 'c1', 'a]b,"c\\']);
  });

  it.each([
    ['nothing', ''],
    ['blank lines', '\n \r\n\n'],
    ['an empty array', ' [ ] '],
  ])('takes %s', async (_name, body) => {
    const test = await startFrontend();
    expect(await result(await post(test, body))).toEqual({ accepted: 0, rejected: [], rejectedCount: 0 });
  });

  it('refuses what is nested deeper than it can be shown, alone and in a batch', async () => {
    const test = await startFrontend();
    const depth = 30_000;
    const body = '['.repeat(depth) + ']'.repeat(depth);
    expect(await result(await post(test, `${body}\n${lines(tags(1))}`))).toMatchObject({ accepted: 0 });
    const line = `{"time":${body}}`;
    expect(await result(await post(test, `${line}\n${lines(tags(1))}`))).toMatchObject({
      accepted: 1,
      rejected: [{ line: 1, error: { code: 'INVALID_TAG', field: 'cookie' } }],
    });
    for (const tag of [body, JSON.stringify(TAG).replace(/"7"|7/, body)]) {
      const response = await test.request('/user_tags', { method: 'POST', body: tag, headers: JSON_TYPE });
      const error = await refusal(response);
      expect(error).toMatchObject({ status: 400, code: 'INVALID_TAG', value: 'nested too deeply to be shown' });
    }
  });

  it('reports wrong lines by their number, and stores the others', async () => {
    const test = await startFrontend();
    const [first, second] = tags(2);
    const wrong = { ...second, device: 'pc' };
    const body = `${JSON.stringify(first)}\r\n\r\n{"time":\n${JSON.stringify(wrong)}\n${JSON.stringify(second)}`;
    expect(await result(await post(test, body))).toMatchObject({
      accepted: 2,
      rejected: [
        { line: 3, error: { code: 'INVALID_JSON' } },
        { line: 4, error: { code: 'INVALID_TAG', field: 'device', value: 'pc' } },
      ],
      rejectedCount: 2,
    });
    expect(cookies(test)).toEqual(['c0', 'c1']);
    expect(test.frontend.figures()).toMatchObject({ accepted: 2, rejected: 2 });
  });

  it.each([
    ['an array that ends early', `[${JSON.stringify(tagWith())},${JSON.stringify(tagWith()).slice(0, 50)}`, 2],
    ['an array that is not closed', `[${JSON.stringify(tagWith())},${JSON.stringify(tagWith())}`, 2],
    ['a comma too many', `[${JSON.stringify(tagWith())},]`, 2],
    ['text after the array', `[${JSON.stringify(tagWith())}] x`, 2],
  ])('reports %s', async (_name, body, line) => {
    const test = await startFrontend();
    expect(await result(await post(test, body, JSON_TYPE))).toMatchObject({
      accepted: 1,
      rejected: [{ line, error: { code: 'INVALID_JSON' } }],
    });
  });

  it('shows the first 1,000 rejected lines and counts all', async () => {
    const test = await startFrontend();
    const { rejected, rejectedCount } = await result(await post(test, 'x\n'.repeat(1500)));
    expect(rejected).toHaveLength(1000);
    expect(rejectedCount).toBe(1500);
  });

  it('stops reading after 100,000 wrong lines, and says where', async () => {
    const test = await startFrontend();
    const body = `${JSON.stringify(tagWith())}\n${'x\n'.repeat(100_000)}${JSON.stringify(tagWith())}`;
    expect(await result(await post(test, body))).toMatchObject({
      accepted: 1,
      rejectedCount: 100_000,
      stoppedAt: 100_001,
    });
  });

  it('rejects a line over 64 KiB', async () => {
    const test = await startFrontend();
    const body = lines([{ ...tagWith(), padding: 'x'.repeat(64 * 1024) }, tagWith()]);
    expect(await result(await post(test, body))).toMatchObject({
      accepted: 1,
      rejected: [{ line: 1, error: { code: 'BODY_TOO_LARGE' } }],
    });
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('undoes %s', async (encoding, compress) => {
    const test = await startFrontend();
    const body = Uint8Array.from(compress(lines(tags(5000))));
    const response = await post(test, body, { ...NDJSON, 'content-encoding': encoding });
    expect(await result(response)).toMatchObject({ accepted: 5000, rejectedCount: 0 });
    expect(cookies(test).at(-1)).toBe('c4999');
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('refuses a %s that becomes larger than 16 MiB', async (encoding, compress) => {
    const test = await startFrontend();
    const bomb = Uint8Array.from(compress(Buffer.alloc(64 * 1024 * 1024, '\n')));
    expect(bomb.length).toBeLessThan(100_000);
    const error = await refusal(await post(test, bomb, { ...NDJSON, 'content-encoding': encoding }));
    expect(error).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it.each(['gzip', 'zstd'])('refuses what is no %s', async (encoding) => {
    const test = await startFrontend();
    const error = await refusal(await post(test, lines(tags(1)), { ...NDJSON, 'content-encoding': encoding }));
    expect(error).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
  });

  it('refuses other encodings, other types and no type', async () => {
    const test = await startFrontend();
    const brotli = await post(test, 'x', { ...NDJSON, 'content-encoding': 'br' });
    expect(await refusal(brotli)).toMatchObject({
      status: 415,
      field: 'Content-Encoding',
      value: 'br',
      message: expect.stringContaining('send gzip, zstd or none'),
    });
    const csv = await post(test, 'x', { 'content-type': 'text/csv' });
    expect(await refusal(csv)).toMatchObject({ status: 415, field: 'Content-Type', value: 'text/csv' });
    const nothing = await test.request('/user_tags/batch', { method: 'POST' });
    expect(await refusal(nothing)).toMatchObject({ status: 415, field: 'Content-Type' });
  });

  it('answers 413 to more than 16 MiB', async () => {
    const test = await startFrontend();
    const error = await refusal(await post(test, Buffer.alloc(16 * 1024 * 1024 + 1, ' ')));
    expect(error).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it('gives each tag the key of the batch and its line', async () => {
    const test = await startFrontend();
    await result(await post(test, `\n${lines(tags(2))}`, { ...NDJSON, 'idempotency-key': 'b1' }));
    expect(test.backend.events.map(({ dedupeKey }) => dedupeKey)).toEqual(['b1 2', 'b1 3']);
    const response = await post(test, lines(tags(1)), { ...NDJSON, 'idempotency-key': 'a b' });
    expect(await refusal(response)).toMatchObject({ status: 400, field: 'Idempotency-Key' });
  });

  it('answers 503 when the log fails, and says what was stored', async () => {
    const test = await startFrontend();
    test.backend.failure = new MillraceError('LOG_FULL', 'the disk is full');
    const response = await post(test, lines(tags(10)));
    expect(response.headers.get('retry-after')).toBe('1');
    const error = await refusal(response);
    expect(error).toMatchObject({ status: 503, code: 'LOG_FULL' });
    expect(error.message).toContain('0 tags were stored before');
    expect(test.frontend.figures()).toMatchObject({ accepted: 0, rejected: 10 });
  });

  it('keeps answering others while it works on a large batch', async () => {
    const test = await startFrontend();
    const progress = { finished: false };
    const batch = post(test, lines(tags(40_000))).finally(() => (progress.finished = true));
    await expect.poll(() => test.backend.appends, { interval: 1 }).toBeGreaterThan(0);
    let answeredMeanwhile = 0;
    while (!progress.finished) {
      expect((await test.request('/health')).status).toBe(200);
      if (!progress.finished) answeredMeanwhile++;
    }
    expect(answeredMeanwhile).toBeGreaterThan(2);
    expect(await result(await batch)).toMatchObject({ accepted: 40_000 });
  });
});

const itemsOf = (body: Buffer): BatchItem[] => [...splitItems(body)].filter((item) => item !== undefined);

describe('splitItems', () => {
  it.each([
    ['blanks', ' '.repeat(2 ** 20)],
    ['blank lines', '\n'.repeat(2 ** 20)],
    ['one element', `[${'x'.repeat(2 ** 20)}]`],
    ['one text', `["${'x'.repeat(2 ** 20)}"]`],
    ['one element, deep', `[${'['.repeat(2 ** 20)}`],
    ['blanks before an element', `[${' '.repeat(2 ** 20)}1]`],
    ['blanks behind an array', `[]${' '.repeat(2 ** 20)}`],
  ])('pauses regularly in a mebibyte of %s', (_name, body) => {
    const pauses = [...splitItems(Buffer.from(body))].filter((item) => item === undefined);
    expect(pauses.length).toBeGreaterThanOrEqual(15);
  });

  it('finds the elements of any array, however it is written', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { maxLength: 8 }), fc.constantFrom('', ' ', '\n\t'), (elements, blank) => {
        const body = Buffer.from(`${blank}[${elements.map((element) => blank + element + blank).join(',')}]${blank}`);
        const found = itemsOf(body);
        expect(found.map(({ from, to }) => body.toString('utf8', from, to).trim())).toEqual(
          elements.map((element) => element.trim()),
        );
        expect(found.map(({ number }) => number)).toEqual(elements.map((_, index) => index + 1));
      }),
    );
  });

  it('finds the lines of any text, without the blank ones', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', ' ', '{}', ' {} ', 'x', '\r')), (texts) => {
        const body = Buffer.from(texts.join('\n'));
        const found = itemsOf(body).map(({ number, from, to }) => [number, body.toString('utf8', from, to).trim()]);
        const expected = texts.map((text, index) => [index + 1, text.trim()]).filter(([, text]) => text !== '');
        expect(found).toEqual(expected);
      }),
    );
  });
});
