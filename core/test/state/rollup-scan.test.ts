import type { RollupRow, StateSchema } from '@millrace/core';
import { seededRandom } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { decodeChunk, encodeChunk } from '../../src/state/columns.ts';
import { Dictionary } from '../../src/state/dictionary.ts';
import { canonicalInt32 } from '../../src/state/int32.ts';
import { localColumn } from '../../src/state/minute-rows.ts';
import { PairIndex } from '../../src/state/pair-index.ts';
import { RollupScan } from '../../src/state/rollup-scan.ts';

/** As many rows as a merged chunk of the embedded store has. */
const MAX_ROWS = 131_072;
const schema: StateSchema = { kinds: ['A', 'B'], dimensions: [], measures: ['most', 'least', 'mixed'] };

it.each([{ groupBy: [] }, { groupBy: [0] }])('sums exactly beyond 2^53, split by $groupBy', ({ groupBy }) => {
  const most = 2 ** 31 - 1;
  const mixed = Int32Array.from({ length: MAX_ROWS }, (_, row) => (row % 3 === 0 ? -most : most));
  const numbers = [
    new Int32Array(MAX_ROWS),
    ...[most, -most - 1].map((value) => new Int32Array(MAX_ROWS).fill(value)),
    mixed,
  ];
  const chunk = decodeChunk(
    encodeChunk(
      MAX_ROWS,
      numbers.map((numbers) => ({ numbers })),
    ),
    4,
  );
  const chunks = 100;
  const scan = new RollupScan({ from: 0, to: 1, filters: [], groupBy, limit: 10 }, schema, [], new Uint32Array(1));
  scan.startMinute(0);
  for (let at = 0; at < chunks; at++) scan.add(chunk);

  const once = mixed.reduce((sum, value) => sum + BigInt(value), 0n);
  const rows = BigInt(chunks * MAX_ROWS);
  expect(rows * BigInt(most)).toBeGreaterThan(2n ** 53n);
  expect(scan.result().rows[0]).toMatchObject({
    count: chunks * MAX_ROWS,
    sums: [rows * BigInt(most), rows * BigInt(-most - 1), once * BigInt(chunks)],
  });
});

it('numbers pairs in the order in which they come, however many there are', () => {
  const random = seededRandom(3);
  const pairs = new PairIndex();
  const expected = new Map<string, number>();
  for (let turn = 0; turn < 20_000; turn++) {
    const [first, second] = [Math.floor(random() * 2 ** 32) | 0, Math.floor(random() * 3) - 1];
    const again = turn % 2 === 0 ? first : pairs.first(Math.floor(random() * pairs.size));
    const key = `${again} ${second}`;
    if (!expected.has(key)) expected.set(key, expected.size);
    const number = pairs.number(again, second);
    expect(number).toBe(expected.get(key));
    expect([pairs.first(number), pairs.second(number)]).toEqual([again, second]);
  }
  expect(pairs.size).toBe(expected.size);
});

const textsOf = (key: string): string[] => JSON.parse(key) as string[];

const byTexts = (a: readonly string[], b: readonly string[]): number => {
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
};

describe('groups', () => {
  interface Row {
    readonly kind: number;
    readonly brand: string;
    readonly product: string;
    readonly price: number;
  }
  const grouped: StateSchema = {
    kinds: ['VIEW', 'BUY'],
    dimensions: [
      { name: 'brand', values: 'bounded' },
      { name: 'product', values: 'unbounded' },
    ],
    measures: ['price'],
  };
  const PRODUCTS = ['7', '-7', '262143', '262144', '2147483647', '-2147483648', '07', 'seven', '', '-1', '0'];
  const LIMIT = 5;

  /** A chunk as the writer makes it: with texts of its own where a value is no number, or in no dictionary. */
  function chunkOf(rows: readonly Row[], brands: Dictionary) {
    const ids = rows.map(({ brand }) => brands.intern(brand));
    const products = rows.map(({ product }) => canonicalInt32(product));
    return decodeChunk(
      encodeChunk(rows.length, [
        { numbers: rows.map(({ kind }) => kind) },
        ids.includes(-1) ? localColumn(rows.map(({ brand }) => brand)) : { numbers: ids },
        products.includes(Number.NaN) ? localColumn(rows.map(({ product }) => product)) : { numbers: products },
        { numbers: rows.map(({ price }) => price) },
      ]),
      4,
    );
  }

  const COLUMNS = [(row: Row) => grouped.kinds[row.kind]!, (row: Row) => row.brand, (row: Row) => row.product] as const;

  /** The definition, row by row. */
  function expectedRows(minutes: readonly (readonly Row[])[], groupBy: readonly number[]): RollupRow[] {
    const keyOf = (row: Row): string => JSON.stringify(groupBy.map((column) => COLUMNS[column]!(row)));
    const totals = new Map<string, number>();
    for (const row of minutes.flat()) totals.set(keyOf(row), (totals.get(keyOf(row)) ?? 0) + 1);
    const kept = [...totals]
      .toSorted(([a, left], [b, right]) => right - left || byTexts(textsOf(a), textsOf(b)))
      .slice(0, LIMIT)
      .map(([key]) => key)
      .toSorted((a, b) => byTexts(textsOf(a), textsOf(b)));
    return minutes.flatMap((rows, minute) =>
      kept.flatMap((key) => {
        const own = rows.filter((row) => keyOf(row) === key);
        const sum = own.reduce((total, { price }) => total + BigInt(price), 0n);
        return own.length === 0
          ? []
          : [{ minute: minute * 60_000, group: textsOf(key), count: own.length, sums: [sum] }];
      }),
    );
  }

  it.each([[[0]], [[1]], [[2]], [[2, 1]], [[0, 1, 2]]])('by %j are those of the definition', (groupBy) => {
    const random = seededRandom(groupBy.length * 10 + groupBy[0]!);
    const below = (bound: number): number => Math.floor(random() * bound);
    for (let turn = 0; turn < 30; turn++) {
      // Smaller than what occurs, so that some values have no id.
      const brands = new Dictionary(3);
      const plan = { from: 0, to: 3, filters: [], groupBy, limit: LIMIT };
      const scan = new RollupScan(plan, grouped, [brands, undefined], new Uint32Array(1));
      const minutes = Array.from({ length: 3 }, (_, minute) => {
        scan.startMinute(minute);
        const chunks = Array.from({ length: 1 + below(3) }, () => {
          const products = below(2) === 0 ? PRODUCTS : PRODUCTS.slice(0, 6);
          return Array.from({ length: 1 + below(20) }, (): Row => {
            const product = products[below(products.length)]!;
            return { kind: below(2), brand: `brand-${below(5)}`, product, price: below(2 ** 32) - 2 ** 31 };
          });
        });
        for (const rows of chunks) scan.add(chunkOf(rows, brands));
        return chunks.flat();
      });
      const { rows, truncated } = scan.result();
      const all = new Set(minutes.flat().map((row) => JSON.stringify(groupBy.map((column) => COLUMNS[column]!(row)))));
      expect(rows).toEqual(expectedRows(minutes, groupBy));
      expect(truncated).toBe(all.size > LIMIT);
    }
  });
});
