import { MillraceError, type ErrorCode } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { NOW, refusal, startFrontend, TAG, tagWith } from './support/frontend.ts';

describe('POST /user_tags', () => {
  it('answers 204 without a body, and the tag is in the log', async () => {
    const { postTag, backend, frontend } = await startFrontend();
    const response = await postTag(TAG);
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(backend.events).toMatchObject([
      {
        key: 'alice',
        kind: 0,
        time: Date.parse(TAG.time),
        dimensions: ['shop', 'Nike', 'shoes', 'PL', 'PC', '7'],
        measures: [1000],
      },
    ]);
    expect(frontend.figures()).toMatchObject({ accepted: 1, rejected: 0 });
    expect(frontend.figures().tagLatencyP99Ms).toBeGreaterThan(0);
  });

  it('answers only after the append has resolved', async () => {
    const { postTag, backend } = await startFrontend();
    const { promise, resolve } = Promise.withResolvers<void>();
    backend.gate = promise;
    let answered = false;
    const response = postTag(TAG).finally(() => (answered = true));
    await expect.poll(() => backend.appends).toBe(1);
    await new Promise((done) => setTimeout(done, 30));
    expect(answered).toBe(false);
    resolve();
    expect((await response).status).toBe(204);
  });

  it.each([
    ['product_id as a string', { product_info: { ...TAG.product_info, product_id: 'p-7' } }],
    ['an empty country and origin', { country: '', origin: '' }],
    ['a time without milliseconds', { time: '2022-03-22T12:15:00Z' }],
    ['the lowest price', { product_info: { ...TAG.product_info, price: -2_147_483_648 } }],
    ['the highest price', { product_info: { ...TAG.product_info, price: 2_147_483_647 } }],
    ['the largest product_id', { product_info: { ...TAG.product_info, product_id: Number.MAX_SAFE_INTEGER } }],
    ['a cookie of 4096 bytes', { cookie: 'ü'.repeat(2048) }],
    ['unknown fields', { colour: 'red', product_info: { ...TAG.product_info, size: 43 } }],
    ['the last allowed moment', { time: new Date(NOW + 24 * 3_600_000).toISOString() }],
    ['the first moment', { time: '1970-01-01T00:00:00.000Z' }],
  ])('takes %s', async (_name, changes) => {
    const { postTag, backend } = await startFrontend();
    expect((await postTag({ ...TAG, ...changes })).status).toBe(204);
    expect(backend.events).toHaveLength(1);
  });

  it.each([
    ['time', { ...TAG, time: '2022-03-22T12:15:00.00Z' }],
    ['time', { ...TAG, time: '1969-12-31T23:59:59.999Z' }],
    ['time', { ...TAG, time: 1647950400000 }],
    ['cookie', { ...TAG, cookie: '' }],
    ['cookie', { ...TAG, cookie: 'ü'.repeat(2049) }],
    ['cookie', { ...TAG, cookie: 'half a pair: \ud800' }],
    ['country', { ...TAG, country: null }],
    ['device', { ...TAG, device: 'pc' }],
    ['action', { ...TAG, action: 'CLICK' }],
    ['origin', { ...TAG, origin: 'x'.repeat(4097) }],
    ['product_info', { ...TAG, product_info: 'shoes' }],
    ['product_info.product_id', { ...TAG, product_info: { ...TAG.product_info, product_id: 1.5 } }],
    ['product_info.product_id', { ...TAG, product_info: { ...TAG.product_info, product_id: 2 ** 53 } }],
    ['product_info.product_id', { ...TAG, product_info: { ...TAG.product_info, product_id: true } }],
    ['product_info.brand_id', { ...TAG, product_info: { ...TAG.product_info, brand_id: 7 } }],
    ['product_info.category_id', { ...TAG, product_info: { ...TAG.product_info, category_id: [] } }],
    ['product_info.price', { ...TAG, product_info: { ...TAG.product_info, price: 10.5 } }],
    ['product_info.price', { ...TAG, product_info: { ...TAG.product_info, price: 2 ** 31 } }],
    ['product_info.price', { ...TAG, product_info: { ...TAG.product_info, price: '10' } }],
  ])('names a wrong %s', async (field, tag) => {
    const { postTag, backend, frontend } = await startFrontend();
    const error = await refusal(await postTag(tag));
    expect(error).toMatchObject({ status: 400, code: 'INVALID_TAG', field });
    expect(error.accepted).not.toBe('');
    expect(error.value).toBeDefined();
    expect(backend.events).toEqual([]);
    expect(frontend.figures().rejected).toBe(1);
  });

  it.each([
    'time',
    'cookie',
    'country',
    'device',
    'action',
    'origin',
    'product_info',
    'product_info.product_id',
    'product_info.brand_id',
    'product_info.category_id',
    'product_info.price',
  ])('names a missing %s', async (field) => {
    const { postTag } = await startFrontend();
    const tag = structuredClone(TAG) as Record<string, unknown>;
    const [name, inner] = field.split('.') as [string, string?];
    if (inner === undefined) delete tag[name];
    else delete (tag[name] as Record<string, unknown>)[inner];
    const error = await refusal(await postTag(tag));
    expect(error).toMatchObject({ status: 400, code: 'INVALID_TAG', field, message: `${field} is missing` });
  });

  it('shortens the value that it names to 100 characters', async () => {
    const { postTag } = await startFrontend();
    const { value } = await refusal(await postTag({ ...TAG, device: 'x'.repeat(5000) }));
    expect(value).toHaveLength(100);
  });

  it.each(['[]', '7', 'null', '"tag"'])('refuses %s, which is no object', async (body) => {
    const { postTag } = await startFrontend();
    expect(await refusal(await postTag(body))).toMatchObject({ status: 400, code: 'INVALID_TAG' });
  });

  it.each(['', '{', '{"time":}', `${JSON.stringify(TAG)}x`])('refuses "%s", which is no JSON', async (body) => {
    const { postTag } = await startFrontend();
    expect(await refusal(await postTag(body))).toMatchObject({ status: 400, code: 'INVALID_JSON' });
  });

  it('refuses bytes that are no UTF-8, and takes the character that stands for them', async () => {
    const { postTag, request, backend } = await startFrontend();
    const bytes = Buffer.from(JSON.stringify(tagWith({ cookie: 'x?' })));
    bytes[bytes.indexOf('?')] = 0xff;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: bytes };
    expect(await refusal(await request('/user_tags', init))).toMatchObject({ status: 400, code: 'INVALID_JSON' });
    expect((await postTag(tagWith({ cookie: '\ufffd' }))).status).toBe(204);
    expect(backend.events).toHaveLength(1);
  });

  it('refuses a tag too far in the future', async () => {
    const { postTag } = await startFrontend();
    const time = new Date(NOW + 24 * 3_600_000 + 1).toISOString();
    expect(await refusal(await postTag(tagWith({ time })))).toMatchObject({
      status: 400,
      code: 'TIME_IN_FUTURE',
      field: 'time',
      value: time,
    });
  });

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', ';;;'])(
    'answers 415 to Content-Type %s',
    async (type) => {
      const { request, frontend } = await startFrontend();
      const body = new Blob([JSON.stringify(TAG)]);
      const init = { method: 'POST', body, ...(type !== undefined && { headers: { 'content-type': type } }) };
      expect(await refusal(await request('/user_tags', init))).toMatchObject({
        status: 415,
        code: 'UNSUPPORTED_MEDIA_TYPE',
        message: expect.stringContaining('send application/json'),
      });
      expect(frontend.figures().rejected).toBe(1);
    },
  );

  it('answers 415 to neither body nor Content-Type', async () => {
    const { request } = await startFrontend();
    expect((await request('/user_tags', { method: 'POST' })).status).toBe(415);
  });

  it.each([
    ['Content-Type', { 'content-type': 'application/json; charset=latin1' }],
    ['Content-Encoding', { 'content-encoding': 'gzip' }],
  ])('refuses a %s that it does not read', async (field, headers) => {
    const { postTag } = await startFrontend();
    const error = await refusal(await postTag(TAG, headers));
    expect(error).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', field });
  });

  it('takes a Content-Type with a charset', async () => {
    const { postTag } = await startFrontend();
    expect((await postTag(TAG, { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(204);
  });

  it('answers 413 to a body over 64 KiB', async () => {
    const { postTag } = await startFrontend();
    const error = await refusal(await postTag({ ...TAG, padding: 'x'.repeat(64 * 1024) }));
    expect(error).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
  });

  it('passes an Idempotency-Key on, and refuses one that is none', async () => {
    const { postTag, backend } = await startFrontend();
    expect((await postTag(TAG, { 'idempotency-key': 'order-1' })).status).toBe(204);
    expect(backend.events[0]).toMatchObject({ dedupeKey: 'order-1' });
    for (const key of ['two words', '', 'x'.repeat(256)]) {
      const error = await refusal(await postTag(TAG, { 'idempotency-key': key }));
      expect(error).toMatchObject({ status: 400, field: 'Idempotency-Key' });
    }
    expect(backend.events).toHaveLength(1);
  });

  it.each<ErrorCode>(['LOG_FULL', 'LOG_FAILED', 'LOG_CLOSED'])('answers 503 with Retry-After to %s', async (code) => {
    const { postTag, backend, frontend } = await startFrontend();
    backend.failure = new MillraceError(code, 'no');
    const response = await postTag(TAG);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await refusal(response)).toMatchObject({ status: 503, code });
    expect(frontend.figures()).toMatchObject({ accepted: 0, rejected: 1 });
  });

  it('answers 503 when the log fails in a way nobody knows', async () => {
    const { postTag, backend } = await startFrontend();
    backend.failure = new Error('EIO');
    expect(await refusal(await postTag(TAG))).toMatchObject({ status: 503, code: 'LOG_FAILED' });
  });
});
