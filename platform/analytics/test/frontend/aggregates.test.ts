import { describe, expect, it } from 'vitest';
import { refusal, startFrontend, type TestFrontend } from './support/frontend.ts';

const RANGE = 'time_range=2022-03-22T12:15:00_2022-03-22T12:18:00';
const BOTH = `${RANGE}&action=BUY&aggregates=SUM_PRICE&aggregates=COUNT`;

interface Table {
  readonly columns: string[];
  readonly rows: string[][];
  readonly truncated?: boolean;
}

async function aggregates({ request }: TestFrontend, query: string, init?: RequestInit): Promise<Table> {
  const response = await request(`/aggregates?${query}`, { method: 'POST', ...init });
  expect(response.status).toBe(200);
  return (await response.json()) as Table;
}

/** Sums in the rows, by the minute of their bucket. */
const lastColumn = ({ rows }: Table): string[] => rows.map((row) => row.at(-1)!);

/** Some buys: two in 12:15, none in 12:16, three in 12:17. */
async function withBuys(): Promise<TestFrontend> {
  const test = await startFrontend();
  const buy = { action: 'BUY' };
  await test.store(
    { ...buy, time: '2022-03-22T12:15:00.000Z', product_info: { price: 100 } },
    { ...buy, time: '2022-03-22T12:15:59.999Z', product_info: { price: 20, brand_id: 'Puma' }, country: 'DE' },
    { ...buy, time: '2022-03-22T12:17:01.000Z', product_info: { price: 5, category_id: 'hats' }, device: 'TV' },
    { ...buy, time: '2022-03-22T12:17:02.000Z', product_info: { price: -1, product_id: '7' }, origin: '' },
    { ...buy, time: '2022-03-22T12:17:03.000Z', product_info: { price: 2_147_483_647, product_id: 'x' } },
    { ...buy, time: '2022-03-22T12:18:00.000Z' },
    { ...buy, time: '2022-03-22T12:14:59.999Z' },
    { time: '2022-03-22T12:16:00.000Z' },
  );
  return test;
}

const countUntil = (to: string): string => `time_range=2022-03-22T12:00_${to}&action=BUY&aggregates=COUNT`;

describe('/aggregates', () => {
  it('answers a row per minute of the range, empty ones with zeros, every value a string', async () => {
    const test = await withBuys();
    expect(await aggregates(test, BOTH)).toEqual({
      columns: ['1m_bucket', 'action', 'sum_price', 'count'],
      rows: [
        ['2022-03-22T12:15:00', 'BUY', '120', '2'],
        ['2022-03-22T12:16:00', 'BUY', '0', '0'],
        ['2022-03-22T12:17:00', 'BUY', '2147483651', '3'],
      ],
    });
    expect(await aggregates(test, BOTH, { method: 'GET' })).toEqual(await aggregates(test, BOTH));
    expect(lastColumn(await aggregates(test, `${RANGE}&action=VIEW&aggregates=COUNT`))).toEqual(['0', '1', '0']);
  });

  it('reproduces the example of the specification', async () => {
    const test = await startFrontend();
    for (const [minute, prices] of [
      ['05', [400, 300, 300]],
      ['06', [300, 400, 400, 400]],
      ['07', [600, 600]],
    ] as const) {
      for (const price of prices) {
        await test.store({ time: `2022-03-01T00:${minute}:30Z`, action: 'BUY', product_info: { price } });
      }
    }
    const query =
      'time_range=2022-03-01T00:05:00_2022-03-01T00:08:00&action=BUY&brand_id=Nike&aggregates=SUM_PRICE&aggregates=COUNT';
    expect(await aggregates(test, query)).toEqual({
      columns: ['1m_bucket', 'action', 'brand_id', 'sum_price', 'count'],
      rows: [
        ['2022-03-01T00:05:00', 'BUY', 'Nike', '1000', '3'],
        ['2022-03-01T00:06:00', 'BUY', 'Nike', '1500', '4'],
        ['2022-03-01T00:07:00', 'BUY', 'Nike', '1200', '2'],
      ],
    });
  });

  it('orders filter columns as documented and aggregates as asked, repeats included', async () => {
    const test = await withBuys();
    const { columns, rows } = await aggregates(
      test,
      `aggregates=COUNT&category_id=shoes&aggregates=SUM_PRICE&brand_id=Nike&origin=shop&action=BUY&aggregates=COUNT&${RANGE}`,
    );
    expect(columns).toEqual([
      '1m_bucket',
      'action',
      'origin',
      'brand_id',
      'category_id',
      'count',
      'sum_price',
      'count',
    ]);
    expect(rows[0]).toEqual(['2022-03-22T12:15:00', 'BUY', 'shop', 'Nike', 'shoes', '1', '100', '1']);
  });

  it.each([
    ['brand_id=Puma', ['20', '0', '0']],
    ['category_id=hats', ['0', '0', '5']],
    ['origin=', ['0', '0', '-1']],
    ['country=DE', ['20', '0', '0']],
    ['device=TV', ['0', '0', '5']],
    ['product_id=x', ['0', '0', '2147483647']],
    ['product_id=7', ['120', '0', '4']],
    ['brand_id=Nike&country=DE', ['0', '0', '0']],
    ['brand_id=nobody', ['0', '0', '0']],
  ])('filters by %s', async (filter, sums) => {
    const test = await withBuys();
    expect(lastColumn(await aggregates(test, `${RANGE}&action=BUY&aggregates=SUM_PRICE&${filter}`))).toEqual(sums);
  });

  it('decodes filters, and takes the first of a repeated one', async () => {
    const test = await startFrontend();
    await test.store({ product_info: { brand_id: 'H&M ü' } });
    const query = `${RANGE}&action=VIEW&aggregates=COUNT&brand_id=H%26M+%C3%BC&brand_id=Nike&action=BUY`;
    expect(await aggregates(test, query)).toMatchObject({
      rows: [['2022-03-22T12:15:00', 'VIEW', 'H&M ü', '1'], expect.anything(), expect.anything()],
    });
  });

  it('sums beyond 2^53 exactly', async () => {
    const test = await startFrontend();
    await test.store({ product_info: { price: 1 } });
    // Four million tags of the highest price would take too long to send.
    test.backend.state.rollup = () =>
      Promise.resolve({
        rows: [{ minute: Date.parse('2022-03-22T12:15:00Z'), group: [], count: 2, sums: [2n ** 60n + 1n] }],
        truncated: false,
      });
    expect(lastColumn(await aggregates(test, `${RANGE}&action=VIEW&aggregates=SUM_PRICE`))[0]).toBe(
      '1152921504606846977',
    );
  });

  it('splits minutes by group_by, in the documented order, without empty ones', async () => {
    const test = await withBuys();
    expect(await aggregates(test, `${BOTH}&group_by=device,brand_id`)).toEqual({
      columns: ['1m_bucket', 'action', 'brand_id', 'device', 'sum_price', 'count'],
      rows: [
        ['2022-03-22T12:15:00', 'BUY', 'Nike', 'PC', '100', '1'],
        ['2022-03-22T12:15:00', 'BUY', 'Puma', 'PC', '20', '1'],
        ['2022-03-22T12:17:00', 'BUY', 'Nike', 'PC', '2147483646', '2'],
        ['2022-03-22T12:17:00', 'BUY', 'Nike', 'TV', '5', '1'],
      ],
      truncated: false,
    });
  });

  it('keeps the largest groups when the limit is reached, and says so', async () => {
    const test = await withBuys();
    const { rows, truncated } = await aggregates(test, `${BOTH}&group_by=brand_id&limit=1`);
    expect(truncated).toBe(true);
    expect(rows.map((row) => row[2])).toEqual(['Nike', 'Nike']);
  });

  it('groups by what it filters by', async () => {
    const test = await withBuys();
    const { columns, rows } = await aggregates(test, `${BOTH}&group_by=brand_id,country&brand_id=Puma`);
    expect(columns).toEqual(['1m_bucket', 'action', 'brand_id', 'country', 'sum_price', 'count']);
    expect(rows).toEqual([['2022-03-22T12:15:00', 'BUY', 'Puma', 'DE', '20', '1']]);
  });

  it('adds up the integer 7 and the string "7" when grouped by product', async () => {
    const test = await withBuys();
    const { rows } = await aggregates(test, `${BOTH}&group_by=product_id`);
    expect(rows.map((row) => row.slice(2))).toEqual([
      ['7', '120', '2'],
      ['7', '4', '2'],
      ['x', '2147483647', '1'],
    ]);
  });

  it('has as many rows as whole minutes fit, from the minute of the start', async () => {
    const test = await withBuys();
    const query = 'time_range=2022-03-22T12:15:30_2022-03-22T12:17:00&action=BUY&aggregates=COUNT';
    expect((await aggregates(test, query)).rows).toEqual([['2022-03-22T12:15:00', 'BUY', '2']]);
  });

  it.each([
    '2022-03-22T12:18_2022-03-22T12:15',
    '2022-03-22T12:15_2022-03-22T12:15',
    '2022-03-22T12:15:00_2022-03-22T12:15:59',
  ])('has no rows for %s, and does not ask the state', async (range) => {
    const test = await withBuys();
    expect((await aggregates(test, `time_range=${range}&action=BUY&aggregates=COUNT`)).rows).toEqual([]);
    expect(test.backend.rollups).toEqual([]);
  });

  it('has rows before 1970, all of them empty', async () => {
    const test = await withBuys();
    const table = await aggregates(test, 'time_range=1969-12-31T23:58_1970-01-01T00:01&action=BUY&aggregates=COUNT');
    expect(table.rows.map(([bucket]) => bucket)).toEqual([
      '1969-12-31T23:58:00',
      '1969-12-31T23:59:00',
      '1970-01-01T00:00:00',
    ]);
    expect(test.backend.rollups).toMatchObject([{ from: 0, to: 60_000 }]);
    expect(
      (await aggregates(test, 'time_range=1960-01-01T00:00_1960-01-01T00:01&action=BUY&aggregates=COUNT')).rows,
    ).toEqual([['1960-01-01T00:00:00', 'BUY', '0']]);
  });

  it('ignores a body', async () => {
    const test = await withBuys();
    const init = { headers: { 'content-type': 'application/json' }, body: '{"columns":' };
    expect(await aggregates(test, BOTH, init)).toEqual(await aggregates(test, BOTH));
  });

  it('refuses a range longer than allowed, and takes the longest', async () => {
    const test = await startFrontend();
    expect((await aggregates(test, countUntil('2022-03-22T13:00'))).rows).toHaveLength(60);
    expect(await refusal(await test.request(`/aggregates?${countUntil('2022-03-22T13:00:00.001')}`))).toMatchObject({
      status: 400,
      code: 'RANGE_TOO_LONG',
      field: 'time_range',
      accepted: 'at most 60 minutes',
    });
  });

  it.each([
    ['action=BUY&aggregates=COUNT', 'MISSING_PARAMETER', 'time_range'],
    [`${RANGE}&aggregates=COUNT`, 'MISSING_PARAMETER', 'action'],
    [`${RANGE}&action=BUY`, 'MISSING_PARAMETER', 'aggregates'],
    [`${RANGE}&action=buy&aggregates=COUNT`, 'INVALID_PARAMETER', 'action'],
    [`${RANGE}&action=BUY&aggregates=count`, 'INVALID_PARAMETER', 'aggregates'],
    [`${RANGE}&action=BUY&aggregates=COUNT&aggregates=AVG`, 'INVALID_PARAMETER', 'aggregates'],
    [`${RANGE}&action=BUY&aggregates=COUNT,SUM_PRICE`, 'INVALID_PARAMETER', 'aggregates'],
    [`${BOTH}&device=PHONE`, 'INVALID_PARAMETER', 'device'],
    [`${BOTH}&brand=Nike`, 'INVALID_PARAMETER', 'brand'],
    [`${BOTH}&group_by=colour`, 'INVALID_PARAMETER', 'group_by'],
    [`${BOTH}&group_by=`, 'INVALID_PARAMETER', 'group_by'],
    [`${BOTH}&limit=5`, 'INVALID_PARAMETER', 'limit'],
    [`${BOTH}&group_by=brand_id&limit=0`, 'INVALID_PARAMETER', 'limit'],
    [`${BOTH}&group_by=brand_id&limit=10001`, 'INVALID_PARAMETER', 'limit'],
  ])('refuses ?%s', async (query, code, field) => {
    const { request } = await startFrontend();
    const error = await refusal(await request(`/aggregates?${query}`, { method: 'POST' }));
    expect(error).toMatchObject({ status: 400, code, field });
    expect(error.accepted).not.toBe('');
  });

  it('names the parameter that was meant', async () => {
    const { request } = await startFrontend();
    const { message } = await refusal(await request(`/aggregates?${BOTH}&brand=Nike`));
    expect(message).toContain('did you mean brand_id?');
  });
});
