import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, nearestSpelling, parseBytes, parseDuration } from '@millrace/core';

describe('durations', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['24 h', 86_400_000],
    ['7d', 604_800_000],
    ['3y', 3 * 365 * 86_400_000],
  ])('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '5', '1M', '1H', '-1s', '1e3s', '1h30m', 's', '1  s', ' 1s', '١s'])('not "%s"', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [86_400_000, '1d'],
    [90_000, '90s'],
    [1, '1ms'],
    [0, '0'],
  ])('formats %i', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    ['1kb', 1000],
    ['1KiB', 1024],
    ['64MiB', 64 * 1024 * 1024],
    ['20GB', 20e9],
    ['1.5 TB', 1.5e12],
    ['7B', 7],
  ])('%s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', '-1', '1K', '1 G', 'GB', '1,5GB'])('not "%s"', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  it.each([
    [20e9, '20GB'],
    [64 * 1024 * 1024, '64MiB'],
    [4097, '4097B'],
    [0, '0'],
  ])('formats %i', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

it('formatting and parsing are inverse', () => {
  const amounts = fc.oneof(
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.tuple(fc.nat(10_000), fc.constantFrom(1000, 1024, 60_000, 1e6, 1024 ** 2, 86_400_000)).map(([n, f]) => n * f),
  );
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(parseDuration(formatDuration(amount))).toBe(amount);
      expect(parseBytes(formatBytes(amount))).toBe(amount);
    }),
  );
});

describe('nearest spelling', () => {
  const flags = ['port', 'host', 'retention', 'log-retention', 'log-max-bytes'];

  it.each([
    ['prot', 'port'],
    ['PORT', 'port'],
    ['retntion', 'retention'],
    ['logretention', 'log-retention'],
    ['log-max-size', 'log-max-bytes'],
    ['verbose', undefined],
    ['p', undefined],
    ['', undefined],
  ])('%s', (typed, nearest) => {
    expect(nearestSpelling(typed, flags)).toBe(nearest);
  });
});
