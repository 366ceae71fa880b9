import { describe, expect, it } from 'vitest';
import { refusal, startFrontend, tagWith, type TestFrontend } from './support/frontend.ts';

const HOUR = '2022-03-22T12:00_2022-03-22T13:00';

interface Profile {
  readonly cookie: string;
  readonly views: ReturnType<typeof tagWith>[];
  readonly buys: ReturnType<typeof tagWith>[];
}

async function profile(
  { request }: TestFrontend,
  query: string,
  cookie = 'alice',
  init?: RequestInit,
): Promise<Profile> {
  const response = await request(`/user_profiles/${encodeURIComponent(cookie)}?${query}`, { method: 'POST', ...init });
  expect(response.status).toBe(200);
  return (await response.json()) as Profile;
}

const timesOf = (tags: readonly { readonly time: string }[]): string[] => tags.map(({ time }) => time.slice(14, 23));

/** A tag as it is answered. */
const tag = (action: string, id: string): string =>
  `{"time":"2022-03-22T12:15:00.000Z","cookie":"alice","country":"PL","device":"PC","action":"${action}","origin":"shop",` +
  `"product_info":{"product_id":${id},"brand_id":"Nike","category_id":"shoes","price":1000}}`;

/** A moment in 12:15:00. */
const at = (ms: number): string => `2022-03-22T12:15:00.00${ms}Z`;

describe('/user_profiles', () => {
  it('answers whole tags in the documented order of fields, views and buys apart', async () => {
    const test = await startFrontend();
    await test.store({}, { action: 'BUY', product_info: { product_id: '7' } }, { cookie: 'bob' });
    const response = await test.request(`/user_profiles/alice?time_range=${HOUR}`, { method: 'POST' });
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.text()).toBe(
      `{"cookie":"alice","views":[${tag('VIEW', '7')}],"buys":[${tag('BUY', '"7"')}]}`,
    );
  });

  it.each(['/user_profiles/%zz', '/user_profiles/%ff%fe', '/%zz'])('refuses %s, which has no text', async (path) => {
    const test = await startFrontend();
    expect(await refusal(await test.request(`${path}?time_range=${HOUR}`))).toMatchObject({
      status: 400,
      code: 'INVALID_ARGUMENT',
      field: 'path',
      value: `${path}?time_range=${HOUR}`,
      accepted: 'UTF-8, percent-encoded',
    });
  });

  it('is the same by GET', async () => {
    const test = await startFrontend();
    await test.store({});
    const byGet = await profile(test, `time_range=${HOUR}`, 'alice', { method: 'GET' });
    expect(byGet.views).toHaveLength(1);
    expect(byGet).toEqual(await profile(test, `time_range=${HOUR}`));
  });

  it('drops fields that it does not know, and adds milliseconds to times without', async () => {
    const test = await startFrontend();
    expect((await test.postTag({ ...tagWith({ time: '2022-03-22T12:15:00Z' }), colour: 'red' })).status).toBe(204);
    expect((await profile(test, `time_range=${HOUR}`)).views).toEqual([tagWith()]);
  });

  it('puts the newest first, and of equal times the later arrival', async () => {
    const test = await startFrontend();
    await test.store({ time: at(3) }, { time: at(1) }, { time: at(2) });
    await test.store({ time: at(2), origin: 'b' });
    const { views } = await profile(test, `time_range=${HOUR}`);
    expect(timesOf(views)).toEqual(['15:00.003', '15:00.002', '15:00.002', '15:00.001']);
    expect(views.map(({ origin }) => origin)).toEqual(['shop', 'b', 'shop', 'shop']);
  });

  it('includes the start of the range and not its end', async () => {
    const test = await startFrontend();
    await test.store(
      { time: '2022-03-22T12:24:59.999Z' },
      { time: '2022-03-22T12:25:00.000Z' },
      { time: '2022-03-22T12:27:59.999Z' },
      { time: '2022-03-22T12:28:00.000Z' },
    );
    const range = 'time_range=2022-03-22T12:25:00_2022-03-22T12:28:00';
    expect(timesOf((await profile(test, range)).views)).toEqual(['27:59.999', '25:00.000']);
    const milliseconds = 'time_range=2022-03-22T12:24:59.999_2022-03-22T12:25:00.001';
    expect(timesOf((await profile(test, milliseconds)).views)).toEqual(['25:00.000', '24:59.999']);
  });

  it('limits views and buys separately, after filtering by time', async () => {
    const test = await startFrontend();
    for (const minute of [10, 11, 12, 13]) {
      await test.store({ time: `2022-03-22T12:${minute}:00Z` }, { time: `2022-03-22T12:${minute}:00Z`, action: 'BUY' });
    }
    const { views, buys } = await profile(test, 'time_range=2022-03-22T12:00_2022-03-22T12:13&limit=2');
    expect(timesOf(views)).toEqual(['12:00.000', '11:00.000']);
    expect(timesOf(buys)).toEqual(['12:00.000', '11:00.000']);
  });

  it('has the default limit of the options', async () => {
    const test = await startFrontend({ defaultLimit: 3 });
    for (let i = 0; i < 5; i++) await test.store({});
    expect((await profile(test, `time_range=${HOUR}`)).views).toHaveLength(3);
    expect((await profile(test, `time_range=${HOUR}&limit=4`)).views).toHaveLength(4);
  });

  it.each(['limit=0', 'limit=-5'])('has empty lists with %s', async (limit) => {
    const test = await startFrontend();
    await test.store({});
    expect(await profile(test, `time_range=${HOUR}&${limit}`)).toEqual({ cookie: 'alice', views: [], buys: [] });
  });

  it.each(['2022-03-22T13:00_2022-03-22T12:00', '2022-03-22T12:15_2022-03-22T12:15'])(
    'has empty lists for the empty range %s',
    async (range) => {
      const test = await startFrontend();
      await test.store({});
      expect(await profile(test, `time_range=${range}`)).toEqual({ cookie: 'alice', views: [], buys: [] });
    },
  );

  it('has empty lists for an unknown cookie', async () => {
    const test = await startFrontend();
    expect(await profile(test, `time_range=${HOUR}`, 'nobody')).toEqual({ cookie: 'nobody', views: [], buys: [] });
  });

  it.each(['a b', 'a/b', 'żółw', 'a+b', '100%', 'a?b#c', '::', 'ü'.repeat(2048)])(
    'decodes the cookie in the path: %s',
    async (cookie) => {
      const test = await startFrontend();
      await test.store({ cookie });
      const found = await profile(test, `time_range=${HOUR}`, cookie);
      expect(found.cookie).toBe(cookie);
      expect(found.views).toHaveLength(1);
    },
  );

  it.each([
    ['application/json', '{"cookie":"alice","views":[],"buys":[]}'],
    ['application/json', '{"cookie":'],
    ['text/plain', 'hello'],
    [';;;', 'hello'],
    ['application/json', 'x'.repeat(300_000)],
  ])('ignores a body: %s', async (type, body) => {
    const test = await startFrontend();
    await test.store({});
    const found = await profile(test, `time_range=${HOUR}`, 'alice', { body, headers: { 'content-type': type } });
    expect(found.views).toHaveLength(1);
  });

  it('takes the first value of a repeated parameter', async () => {
    const test = await startFrontend();
    await test.store({}, {});
    const { views } = await profile(test, `time_range=${HOUR}&limit=1&limit=2&time_range=x`);
    expect(views).toHaveLength(1);
  });

  it.each([
    ['', 'MISSING_PARAMETER', 'time_range'],
    ['time_range=', 'INVALID_PARAMETER', 'time_range'],
    ['time_range=yesterday', 'INVALID_PARAMETER', 'time_range'],
    ['time_range=2022-03-22T12:00Z_2022-03-22T13:00Z', 'INVALID_PARAMETER', 'time_range'],
    ['time_range=2022-03-22T12:00', 'INVALID_PARAMETER', 'time_range'],
    [`time_range=${HOUR}&limit=many`, 'INVALID_PARAMETER', 'limit'],
    [`time_range=${HOUR}&limit=`, 'INVALID_PARAMETER', 'limit'],
    [`time_range=${HOUR}&limit=1.5`, 'INVALID_PARAMETER', 'limit'],
    [`time_range=${HOUR}&limit=99999999999`, 'INVALID_PARAMETER', 'limit'],
    [`time_range=${HOUR}&limits=1`, 'INVALID_PARAMETER', 'limits'],
  ])('refuses ?%s', async (query, code, field) => {
    const { request } = await startFrontend();
    const error = await refusal(await request(`/user_profiles/alice?${query}`, { method: 'POST' }));
    expect(error).toMatchObject({ status: 400, code, field });
    expect(error.accepted).not.toBe('');
  });

  it('refuses an empty cookie', async () => {
    const { request } = await startFrontend();
    const error = await refusal(await request(`/user_profiles/?time_range=${HOUR}`));
    expect(error).toMatchObject({ status: 400, code: 'INVALID_PARAMETER', field: 'cookie' });
  });

  it('says that times have no Z, and which parameter was meant', async () => {
    const { request } = await startFrontend();
    const zoned = await refusal(await request('/user_profiles/a?time_range=2022-03-22T12:00Z_2022-03-22T13:00Z'));
    expect(zoned.message).toContain('leave the Z out');
    const misspelt = await refusal(await request(`/user_profiles/a?time_rang=${HOUR}`));
    expect(misspelt.message).toContain('did you mean time_range?');
  });
});
