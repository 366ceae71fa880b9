import { describe, expect, it } from 'vitest';
import type { GeneratedTag } from '../src/load/generator.ts';
import { Oracle } from '../src/load/oracle.ts';

const MINUTE = Date.UTC(2022, 2, 22, 12, 25);
const MINUTE_MS = 60_000;

const tag = (fields: Partial<GeneratedTag>): GeneratedTag => ({
  time: MINUTE,
  cookie: 1,
  country: 0,
  device: 0,
  action: 0,
  origin: 0,
  product: 0,
  brand: 0,
  category: 0,
  price: 1,
  ...fields,
});

function oracleOf(tags: readonly GeneratedTag[], keep = 230): Oracle {
  const oracle = new Oracle({ salt: 'u-', cookies: 10, keep });
  for (const one of tags) oracle.add(one);
  return oracle;
}

/** Products in the order of the answer. */
function products(oracle: Oracle, question: { from?: number; to?: number; limit?: number } = {}, list = 'views') {
  const answer = JSON.parse(oracle.profile({ cookie: 1, from: 0, to: Infinity, limit: 200, ...question })) as Record<
    string,
    { product_info: { product_id: number } }[]
  >;
  return answer[list]?.map(({ product_info: { product_id: id } }) => id);
}

describe('Oracle.profile', () => {
  it('orders by time, newest first, and equal times by arrival, later first', () => {
    const oracle = oracleOf([
      tag({ time: MINUTE + 3, product: 3 }),
      tag({ time: MINUTE + 1, product: 1 }),
      tag({ time: MINUTE + 2, product: 21 }),
      tag({ time: MINUTE + 2, product: 22 }),
      tag({ time: MINUTE + 9, cookie: 2, product: 9 }),
    ]);
    expect(products(oracle)).toEqual([3, 22, 21, 1]);
  });

  it('splits by action, and limits after filtering by [from, to)', () => {
    const oracle = oracleOf([
      tag({ time: 10, product: 10 }),
      tag({ time: 20, product: 20 }),
      tag({ time: 30, product: 30 }),
      tag({ time: 25, product: 25, action: 1 }),
    ]);
    expect(products(oracle, { from: 10, to: 30 })).toEqual([20, 10]);
    expect(products(oracle, { from: 10, to: 30, limit: 1 })).toEqual([20]);
    expect(products(oracle, {}, 'buys')).toEqual([25]);
  });

  it('knows only the newest that the platform keeps', () => {
    const oracle = oracleOf(
      [1, 2, 3].map((time) => tag({ time, product: time })),
      2,
    );
    expect(products(oracle)).toEqual([3, 2]);
    expect(products(oracle, { to: 2 })).toEqual([]);
  });
});

describe('Oracle.aggregates', () => {
  it('gives a row for every minute, filters, and keeps the order of the columns', () => {
    const oracle = oracleOf([
      tag({ action: 1, brand: 7, price: 1000 }),
      tag({ action: 1, brand: 7, price: 500, time: MINUTE + MINUTE_MS - 1 }),
      tag({ action: 1, brand: 8, price: 9 }),
      tag({ action: 0, brand: 7, price: 9 }),
      tag({ action: 1, brand: 7, price: 9, time: MINUTE + 2 * MINUTE_MS }),
    ]);
    const answer = oracle.aggregates({
      from: MINUTE,
      to: MINUTE + 2 * MINUTE_MS,
      action: 1,
      origin: undefined,
      brand: 7,
      category: undefined,
      aggregates: ['SUM_PRICE', 'COUNT'],
    });
    expect(JSON.parse(answer)).toEqual({
      columns: ['1m_bucket', 'action', 'brand_id', 'sum_price', 'count'],
      rows: [
        ['2022-03-22T12:25:00', 'BUY', 'brand-7', '1500', '2'],
        ['2022-03-22T12:26:00', 'BUY', 'brand-7', '0', '0'],
      ],
    });
  });
});
