import { request as httpRequest } from 'node:http';
import type { DeadLetter } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { encodeTag } from '../../src/codec.ts';
import { someTag } from '../support/tags.ts';
import { refusal, RUNNING, startFrontend, TAG, type TestFrontend } from './support/frontend.ts';

const letter = (offset: number): DeadLetter => {
  const { key, value } = encodeTag(someTag({ time: Date.parse(TAG.time), price: offset }));
  return {
    id: `0-${offset}`,
    partition: 0,
    offset,
    appendedAt: 1000,
    code: 'RECORD_UNREADABLE',
    reason: 'test',
    key,
    value,
  };
};

/** A request with headers that `fetch` does not let us choose. */
function statusWith({ url }: TestFrontend, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}/admin/status`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', reject);
    request.end();
  });
}

describe('/admin', () => {
  it('shows live figures', async () => {
    const test = await startFrontend();
    await test.store({});
    await test.postTag('x');
    test.status = { ...RUNNING, applied: 12 };
    expect(await (await test.request('/admin/status')).json()).toMatchObject({
      state: 'running',
      applied: 12,
      frontend: { accepted: 1, rejected: 1, rejectedByCode: { INVALID_JSON: 1 } },
    });
  });

  it('pages through dead letters', async () => {
    const test = await startFrontend();
    test.backend.letters.push(letter(1), letter(2), letter(3));
    const first = await (await test.request('/admin/dead-letters?limit=2')).json();
    expect(first).toMatchObject({ deadLetters: [{ id: '0-1' }, { id: '0-2' }], next: '0-2' });
    const second = await (await test.request('/admin/dead-letters?limit=2&after=0-2')).json();
    expect(second).toMatchObject({ deadLetters: [{ id: '0-3' }] });
    expect(second).not.toHaveProperty('next');
    const letters = await (await test.request('/admin/dead-letters/0-3')).json();
    expect(letters).toEqual({
      id: '0-3',
      partition: 0,
      offset: 3,
      appendedAt: '1970-01-01T00:00:01.000Z',
      code: 'RECORD_UNREADABLE',
      reason: 'test',
      key: 'alice',
      value: Buffer.from(letter(3).value).toString('base64'),
    });
  });

  it('sends a dead letter through the log once more', async () => {
    const test = await startFrontend();
    test.backend.letters.push(letter(5));
    const response = await test.request('/admin/dead-letters/0-5/retry', { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([202, { id: '0-5', partition: 0, offset: 0 }]);
    expect(test.backend.events).toMatchObject([{ key: 'alice', measures: [5], resolves: '0-5' }]);
  });

  it.each([
    ['GET', '/admin/dead-letters/0-9', 404, 'NOT_FOUND'],
    ['POST', '/admin/dead-letters/0-9/retry', 404, 'NOT_FOUND'],
    ['GET', '/admin/dead-letters/nine', 400, 'INVALID_PARAMETER'],
    ['GET', '/admin/dead-letters?after=nine', 400, 'INVALID_PARAMETER'],
    ['GET', '/admin/dead-letters?limit=0', 400, 'INVALID_PARAMETER'],
    ['GET', '/admin/dead-letters?page=2', 400, 'INVALID_PARAMETER'],
  ])('answers %s %s with %i', async (method, path, status, code) => {
    const test = await startFrontend();
    expect(await refusal(await test.request(path, { method }))).toMatchObject({ status, code });
    expect(test.backend.appends).toBe(0);
  });

  it.each([
    [{ host: 'localhost:8080' }, 200],
    [{ host: '127.0.0.1' }, 200],
    [{ host: '[::1]:8080' }, 200],
    [{ host: '127.0.0.1', origin: 'http://localhost:5173' }, 200],
    [{ host: 'evil.example' }, 401],
    [{ host: '127.0.0.1.evil.example' }, 401],
    [{ host: 'localhost.evil.example' }, 401],
    [{ host: '127.0.0.1', origin: 'http://evil.example' }, 401],
    [{ host: '127.0.0.1', origin: 'null' }, 401],
    [{ host: '127.0.0.1', 'x-forwarded-for': '10.0.0.1' }, 401],
    [{ host: '127.0.0.1', 'x-real-ip': '10.0.0.1' }, 401],
    [{ host: '127.0.0.1', via: '1.1 proxy' }, 401],
    [{ host: '127.0.0.1', 'sec-fetch-site': 'cross-site' }, 401],
    [{ host: '127.0.0.1', 'sec-fetch-site': 'none' }, 200],
    [{ host: '127.0.0.1', authorization: 'Bearer guess' }, 401],
  ])('answers %o without a token with %i', async (headers, status) => {
    expect(await statusWith(await startFrontend(), headers as Record<string, string>)).toBe(status);
  });

  it.each([
    [{ host: 'millrace.example', authorization: 'Bearer s3cret' }, 200],
    [{ host: 'millrace.example', authorization: 'bearer s3cret' }, 200],
    [{ host: 'millrace.example' }, 401],
    [{ host: 'localhost' }, 200],
    [{ host: 'localhost', authorization: 'Bearer s3cre' }, 401],
    [{ host: 'localhost', authorization: 'Bearer s3cret2' }, 401],
    [{ host: 'localhost', authorization: 'Basic s3cret' }, 401],
    [{ host: 'localhost', authorization: 'Bearer ' }, 401],
  ])('answers %o with a token set with %i', async (headers, status) => {
    const test = await startFrontend({ adminToken: 's3cret' });
    expect(await statusWith(test, headers as Record<string, string>)).toBe(status);
  });

  it('says how to get in', async () => {
    const test = await startFrontend();
    const response = await test.request('/admin/status', { headers: { authorization: 'Bearer x' } });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refusal(response)).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  });
});
