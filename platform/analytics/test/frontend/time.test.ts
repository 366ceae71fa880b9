import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBucket, formatTagTime, parseLocalTime, parseTagTime } from '../../src/frontend/time.ts';
import { lengthOf, minutesOf, parseTimeRange, wholeMilliseconds } from '../../src/frontend/time-range.ts';

const anyTime = fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') });

describe('the time of a tag', () => {
  it('is read as the calendar has it, with milliseconds and without', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        const text = new Date(time).toISOString();
        expect(parseTagTime(text)).toBe(time);
        expect(parseTagTime(`${text.slice(0, 19)}Z`)).toBe(Math.floor(time / 1000) * 1000);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '2022-03-22T12:15:00.00Z',
    '2022-03-22T12:15:00.0000Z',
    '2022-03-22T12:15:00.Z',
    '2022-03-22T12:15Z',
    '2022-03-22T12:15:00.000',
    '2022-03-22T12:15:00.000z',
    '2022-03-22 12:15:00.000Z',
    '2022-03-22T12:15:00+00:00',
    '2022-02-29T12:15:00.000Z',
    '1900-02-29T00:00:00.000Z',
    '2022-13-01T00:00:00.000Z',
    '2022-00-01T00:00:00.000Z',
    '2022-04-31T00:00:00.000Z',
    '2022-03-00T00:00:00.000Z',
    '2022-03-22T24:00:00.000Z',
    '2022-03-22T12:60:00.000Z',
    '2022-03-22T12:15:60.000Z',
    '2022-03-22T12:15:00,000Z',
    '22-03-22T12:15:00.00000Z',
    '+022-03-22T12:15:00.000Z',
    '2022-3-22T12:15:00.0000Z',
    '٢٠٢٢-03-22T12:15:00.000Z',
    '',
  ])('is not "%s"', (text) => {
    expect(parseTagTime(text)).toBeUndefined();
  });

  it('knows leap years', () => {
    expect(parseTagTime('2024-02-29T00:00:00Z')).toBe(Date.parse('2024-02-29T00:00:00Z'));
    expect(parseTagTime('2000-02-29T00:00:00Z')).toBe(Date.parse('2000-02-29T00:00:00Z'));
  });

  it('is written with milliseconds and Z, a bucket with neither', () => {
    expect(formatTagTime(1_646_093_100_000)).toBe('2022-03-01T00:05:00.000Z');
    expect(formatBucket(1_646_093_100_000)).toBe('2022-03-01T00:05:00');
  });
});

describe('a local time', () => {
  it.each([
    ['2022-03-22T12:15', 0, 0],
    ['2022-03-22T12:15:07', 7000, 0],
    ['2022-03-22T12:15:07.', 7000, 0],
    ['2022-03-22T12:15:07.5', 7500, 0],
    ['2022-03-22T12:15:07.123', 7123, 0],
    ['2022-03-22T12:15:07.1234567', 7123, 456_700],
    ['2022-03-22T12:15:07.000000001', 7000, 1],
    ['2022-03-22T12:15:07.999999999', 7999, 999_999],
  ])('%s is read', (text, ms, nanos) => {
    expect(parseLocalTime(text)).toEqual({ ms: Date.parse('2022-03-22T12:15:00Z') + ms, nanos });
  });

  it.each(['2022-03-22T12:15Z', '2022-03-22T12', '2022-03-22', '2022-03-22T12:15:', '2022-03-22T12:15:07.0000000001'])(
    '%s is refused',
    (text) => {
      expect(parseLocalTime(text)).toBeUndefined();
    },
  );
});

const minutes = (text: string): string[] => minutesOf(parseTimeRange(text)).map((minute) => formatBucket(minute));

describe('a time range', () => {
  it('has a bucket for every minute from the first to before the last', () => {
    expect(minutes('2022-03-22T12:25:00_2022-03-22T12:28:00')).toEqual([
      '2022-03-22T12:25:00',
      '2022-03-22T12:26:00',
      '2022-03-22T12:27:00',
    ]);
    expect(minutes('2022-03-22T23:59_2022-03-23T00:01')).toEqual(['2022-03-22T23:59:00', '2022-03-23T00:00:00']);
  });

  it('has as many buckets as whole minutes fit, from the minute that its start lies in', () => {
    expect(minutes('2022-03-22T12:25:30_2022-03-22T12:27:30')).toEqual(['2022-03-22T12:25:00', '2022-03-22T12:26:00']);
    expect(minutes('2022-03-22T12:25:30_2022-03-22T12:27:29.999')).toEqual(['2022-03-22T12:25:00']);
    expect(minutes('2022-03-22T12:25:00.000000001_2022-03-22T12:26:00')).toEqual([]);
    expect(minutes('2022-03-22T12:25:59.999999999_2022-03-22T12:26:59.999999999')).toEqual(['2022-03-22T12:25:00']);
  });

  it('is empty when it ends where it starts or before', () => {
    expect(minutes('2022-03-22T12:25_2022-03-22T12:25')).toEqual([]);
    expect(minutes('2022-03-22T12:25_2022-03-22T12:20')).toEqual([]);
    expect(lengthOf(parseTimeRange('2022-03-22T12:25_2022-03-22T12:20'))).toBe(-300_000);
  });

  it('ignores what follows a second underscore', () => {
    expect(minutes('2022-03-22T12:25_2022-03-22T12:26_2022-03-22T12:40')).toEqual(['2022-03-22T12:25:00']);
  });

  it('rounds parts of a millisecond up, because tags have whole ones', () => {
    const start = Date.parse('2022-03-22T12:25:00Z');
    expect(wholeMilliseconds(parseTimeRange('2022-03-22T12:25:00.0000001_2022-03-22T12:25:00.0020001'))).toEqual({
      from: start + 1,
      to: start + 3,
    });
  });

  it('before 1970 begins in 1970', () => {
    expect(wholeMilliseconds(parseTimeRange('1960-01-01T00:00_1970-01-01T00:01'))).toEqual({ from: 0, to: 60_000 });
  });
});
