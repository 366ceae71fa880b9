import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  autoPackage,
  clampPriority,
  plainDeserialize,
  priorityFrom,
  RateMeter,
  smartDeserialize,
} from '@millrace/core';

describe('smartDeserialize', () => {
  it.each([
    [null, { _raw_data: null, _raw_type: 'null', _auto_packaged: true }],
    ['{"a":1}', { a: 1 }],
    ['[1]', { _raw_data: [1], _raw_type: 'list', _auto_packaged: true }],
    ['1', { _raw_data: 1, _raw_type: 'int', _auto_packaged: true }],
    ['1.5', { _raw_data: 1.5, _raw_type: 'float', _auto_packaged: true }],
    ['true', { _raw_data: true, _raw_type: 'bool', _auto_packaged: true }],
    ['"x"', { _raw_data: 'x', _raw_type: 'str', _auto_packaged: true }],
    ['null', { _raw_data: null, _raw_type: 'NoneType', _auto_packaged: true }],
    ['hello', { _raw_data: 'hello', _raw_type: 'string', _auto_packaged: true, _original_format: 'plain_text' }],
    [
      Uint8Array.of(0xff, 0x01),
      { _raw_data: 'ff01', _raw_type: 'bytes', _auto_packaged: true, _error: 'not valid UTF-8' },
    ],
  ])('of %j', (raw, expected) => {
    expect(smartDeserialize(raw)).toEqual(expected);
  });

  it('has a plain sibling that leaves JSON values alone', () => {
    expect(['[1]', '1', 'null', ' "x"'].map(plainDeserialize)).toEqual([[1], 1, null, 'x']);
    expect(plainDeserialize('hello')).toMatchObject({ _original_format: 'plain_text' });
  });
});

describe('autoPackage', () => {
  const options = { wrapperKey: 'data', addMetadata: false, subscriber: 'orders', source: 'memory://queue/a' };

  it('wraps what is no object', () => {
    expect(autoPackage([1], options)).toEqual({ data: [1], _packaged: true, _original_type: 'list', _dag_priority: 5 });
    expect(autoPackage({ a: 1 }, options)).toEqual({ a: 1 });
  });

  it('says where it came from', () => {
    expect(autoPackage('x', { ...options, addMetadata: true })).toMatchObject({
      _metadata: { subscriber_name: 'orders', source: 'memory://queue/a', packaging_version: '1.0' },
    });
  });
});

describe('priorities', () => {
  it.each([
    [1, 1],
    ['3', 3],
    [3.9, 3],
    ['3.9', 5],
    [true, 1],
    [false, 5],
    [0, 5],
    [-1, 5],
    [6, 5],
    [null, 5],
    [[1], 5],
    ['', 5],
  ])('of %j is %i', (value, priority) => {
    expect(clampPriority(value)).toBe(priority);
    expect(priorityFrom('p')({ p: value })).toBe(priority);
  });

  it('is 5 for a value that is no object', () => {
    expect([null, 1, 'x', [1]].map(priorityFrom('p'))).toEqual([5, 5, 5, 5]);
  });
});

describe('the rate meter', () => {
  it('comes near a steady rate, and halves in 30 s of silence', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    for (; now < 600_000; now += 100) meter.add(1);
    expect(meter.perMinute()).toBeCloseTo(600, -1);
    const before = meter.perMinute();
    now += 30_000;
    expect(meter.perMinute()).toBeCloseTo(before / 2, 6);
  });

  it('has the peak of 30 minutes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 80 }), (minutes) => {
        let now = 0;
        const meter = new RateMeter(() => now);
        for (const [minute, count] of minutes.entries()) {
          now = minute * 60_000 + 1;
          if (count > 0) meter.add(count);
        }
        expect(meter.peakPerMinute()).toBe(Math.max(...minutes.slice(-30)));
      }),
    );
  });
});
