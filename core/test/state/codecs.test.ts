import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ByteReader, ByteWriter } from '../../src/state/bytes.ts';
import { decodeChunk, encodeChunk } from '../../src/state/columns.ts';
import { canonicalInt32 } from '../../src/state/int32.ts';
import { localColumn } from '../../src/state/minute-rows.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const values = (column: { base: number; data?: ArrayLike<number> | undefined }, rows: number): number[] =>
  Array.from({ length: rows }, (_, row) => column.base + (column.data?.[row] ?? 0));

describe('numbers and texts', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        int32,
        fc.string({ unit: 'grapheme' }),
        fc.double(),
        (varint, zigzag, text, double) => {
          const bytes = new ByteWriter(1).varint(varint).zigzag(zigzag).text(text).double(double).copy();
          const reader = new ByteReader(bytes);
          expect([reader.varint(), reader.zigzag(), reader.text(), reader.double()]).toEqual([
            varint,
            zigzag,
            text,
            double,
          ]);
          expect(reader.done).toBe(true);
          expect(() => reader.byte()).toThrow('ends too early');
        },
      ),
    );
  });
});

describe('canonicalInt32', () => {
  it('takes exactly the texts that an int32 prints as', () => {
    fc.assert(
      fc.property(int32, (value) => {
        expect(canonicalInt32(String(value))).toBe(value);
      }),
    );
    const others = [
      '',
      '-',
      '-0',
      '07',
      '+7',
      '7.0',
      ' 7',
      '7 ',
      '1e3',
      '2147483648',
      '-2147483649',
      '99999999999',
      'x',
    ];
    for (const text of others) expect(canonicalInt32(text), text).toBeNaN();
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('0', '1', '2', '7', '9', '-', '+', '.', ' '), maxLength: 12 }),
        (text) => {
          const value = canonicalInt32(text);
          expect(Number.isNaN(value) || String(value) === text).toBe(true);
        },
      ),
    );
  });
});

describe('chunks', () => {
  const column = fc.oneof(
    fc
      .constantFrom(1, 200, 60_000, 2 ** 31 - 1)
      .chain((span) => fc.array(fc.integer({ min: -span, max: span }), { minLength: 300, maxLength: 300 })),
    int32.map((value) => Array.from({ length: 300 }, () => value)),
  );

  it('keep every column, whatever its width and wherever its bytes lie', () => {
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 300 }),
        (columns, rows) => {
          const bytes = encodeChunk(
            rows,
            columns.map((numbers) => ({ numbers })),
          );
          for (const shift of [0, 1]) {
            const shifted = Buffer.alloc(bytes.length + shift).subarray(shift);
            bytes.copy(shifted);
            const chunk = decodeChunk(shifted, columns.length);
            expect(chunk.columns.map((column) => values(column, rows))).toEqual(
              columns.map((one) => one.slice(0, rows)),
            );
          }
        },
      ),
    );
  });

  it('bring their own texts where a column has any', () => {
    const texts = ['b', 'a', '', 'b', 'ü'];
    const chunk = decodeChunk(encodeChunk(5, [localColumn(texts), { numbers: [1, 2, 3, 4, 5] }]), 2);
    const [own, plain] = chunk.columns.map((column) => ({ texts: column.texts, numbers: values(column, 5) }));
    expect(own?.numbers.map((number) => own.texts?.[number])).toEqual(texts);
    expect(plain).toEqual({ texts: undefined, numbers: [1, 2, 3, 4, 5] });
  });

  it('say so when they are damaged', () => {
    const bytes = encodeChunk(3, [{ numbers: [1, 2, 3] }]);
    expect(() => decodeChunk(bytes.subarray(0, bytes.length - 1), 1)).toThrow('bytes instead of');
    expect(() => decodeChunk(Buffer.from([9, ...bytes.subarray(1)]), 1)).toThrow('version');
  });
});
