import { MillraceError, type DeadLetter, type LogRecord, type NewRecord, type StateEvent } from '@millrace/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRetry, encodeTag, retriedLetter } from '../src/codec.ts';
import { ACTIONS, DEVICES, productDimension, productIdOf, tagOf, type UserTag } from '../src/tag.ts';

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom('7', '-12', '"', '"7', '007', '-', '', 'Nike'),
);

const tags: fc.Arbitrary<UserTag> = fc.record({
  time: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  cookie: text,
  country: text,
  device: fc.constantFrom(...DEVICES),
  action: fc.constantFrom(...ACTIONS),
  origin: text,
  productId: fc.oneof(text, fc.maxSafeInteger()),
  brandId: text,
  categoryId: text,
  price: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

const logged = (record: NewRecord, offset = 5): LogRecord => ({
  offset,
  timestamp: 1_700_000_000_000,
  key: record.key,
  value: record.value,
});

const tagFrom = (event: StateEvent): UserTag => tagOf(event.key, event.kind === 0 ? 'VIEW' : 'BUY', event);

const letter = (value: Uint8Array, key: string | undefined): DeadLetter => ({
  id: '3-17',
  partition: 3,
  offset: 17,
  appendedAt: 1,
  code: 'RECORD_UNREADABLE',
  reason: 'test',
  key,
  value,
});

describe('tag records', () => {
  it('come back as the tag that went in, with the type of the product id', () => {
    fc.assert(
      fc.property(tags, (tag) => {
        const { event, resolves } = decodeRecord(logged(encodeTag(tag)));
        expect(tagFrom(event)).toEqual(tag);
        expect(event).toMatchObject({ offset: 5, appendedAt: 1_700_000_000_000 });
        expect(event.dedupeKey).toBeUndefined();
        expect(resolves).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('carry an idempotency key', () => {
    fc.assert(
      fc.property(tags, fc.string({ unit: 'binary', maxLength: 270 }), (tag, key) => {
        expect(decodeRecord(logged(encodeTag(tag, key))).event.dedupeKey).toBe(key);
      }),
    );
  });

  it('stay as they were while others are encoded', () => {
    fc.assert(
      fc.property(fc.array(tags, { minLength: 2, maxLength: 300 }), (many) => {
        const records = many.map((tag) => encodeTag(tag));
        const back = records.map((record) => decodeRecord(logged(record)).event);
        expect(back.map((event) => tagFrom(event))).toEqual(many);
      }),
      { numRuns: 10 },
    );
  });

  it('take at most 60 bytes for a usual tag', () => {
    const tag: UserTag = {
      time: 1_647_950_700_000,
      cookie: 'cookie-123456',
      country: 'PL',
      device: 'MOBILE',
      action: 'BUY',
      origin: 'ORIGIN_123',
      productId: 12_345,
      brandId: 'BRAND_4567',
      categoryId: 'CATEGORY_89',
      price: 123_456,
    };
    expect(encodeTag(tag).value.length).toBeLessThanOrEqual(60);
  });
});

describe('retries', () => {
  it('give the inner event and name the letter', () => {
    fc.assert(
      fc.property(tags, fc.option(fc.string(), { nil: undefined }), (tag, key) => {
        const inner = encodeTag(tag, key);
        const record = logged(encodeRetry('3-17', letter(inner.value, inner.key)), 99);
        const { event, resolves } = decodeRecord(record);
        expect(resolves).toBe('3-17');
        expect(tagFrom(event)).toEqual(tag);
        expect(event.offset).toBe(99);
        expect(event.dedupeKey).toBe(key ?? 'dead letter 3-17');
        expect(retriedLetter(record)).toBe('3-17');
      }),
    );
  });

  it('name their letter even when what they carry is still unreadable', () => {
    const record = logged(encodeRetry('3-17', letter(Buffer.from([9, 9]), 'alice')));
    expect(() => decodeRecord(record)).toThrow(/version 9/);
    expect(retriedLetter(record)).toBe('3-17');
    expect(retriedLetter(logged(encodeRetry('nonsense', letter(Buffer.from([1, 0]), 'alice'))))).toBeUndefined();
  });
});

const outcome = (value: Uint8Array, key: string | undefined = 'alice'): string => {
  try {
    decodeRecord({ offset: 1, timestamp: 1, key, value });
    return 'decoded';
  } catch (error) {
    expect(error).toBeInstanceOf(MillraceError);
    return `${(error as MillraceError).code} ${(error as MillraceError).message}`;
  }
};

describe('unreadable records', () => {
  it('throw RECORD_UNREADABLE and nothing else, whatever the bytes are', () => {
    const random = fc.uint8Array({ maxLength: 120 });
    // Random bytes rarely pass the header: give them one.
    const headed = fc
      .tuple(fc.integer({ min: 0, max: 31 }), random)
      .map(([flags, rest]) => Uint8Array.of(1, flags, ...rest));
    fc.assert(
      fc.property(fc.oneof(random, headed), (bytes) => {
        expect(outcome(bytes)).toMatch(/^(decoded$|RECORD_UNREADABLE )/);
      }),
      { numRuns: 2000 },
    );
  });

  it('are all proper prefixes and all extensions of a record', () => {
    fc.assert(
      fc.property(tags, fc.option(fc.string(), { nil: undefined }), (tag, key) => {
        const { value } = encodeTag(tag, key);
        for (let length = 0; length < value.length; length++) {
          expect(outcome(value.subarray(0, length))).toMatch(/^RECORD_UNREADABLE /);
        }
        expect(outcome(Uint8Array.of(...value, 0))).toMatch(/too many/);
      }),
      { numRuns: 50 },
    );
  });

  it('say what was found', () => {
    expect(outcome(Uint8Array.of(2, 0))).toMatch(/version 2/);
    expect(outcome(Uint8Array.of(1, 0xe0))).toMatch(/unknown flags 0xe0/);
    expect(outcome(Uint8Array.of(1, 3, 0, 0, 0, 0, 0, 0))).toMatch(/device 3/);
    expect(outcome(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 200, 1, 65))).toMatch(/text of 200 bytes/);
    expect(outcome(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f))).toMatch(/more than 32 bits/);
    expect(outcome(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0xff))).toMatch(/not UTF-8/);
    expect(() => decodeRecord({ offset: 1, timestamp: 1, key: undefined, value: Uint8Array.of(1, 0) })).toThrow(
      /no key/,
    );
  });
});

describe('product ids', () => {
  it('keep value and type as a dimension', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.maxSafeInteger()), (id) => {
        expect(productIdOf(productDimension(id))).toBe(id);
      }),
    );
    expect([productDimension(7), productDimension('7'), productDimension('"x'), productDimension('x-7')]).toEqual([
      '7',
      '"7',
      '""x',
      'x-7',
    ]);
  });
});
