import type { StateSchema } from '@millrace/core';
import { expect, it } from 'vitest';

import { decodeChunk, encodeChunk } from '../../src/state/columns.ts';
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
