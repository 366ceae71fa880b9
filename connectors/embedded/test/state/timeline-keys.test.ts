import { MAX_TIME } from '@millrace/core/state';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { newTimelineKey, setTimelineKey, timelineTime } from '../../src/state/keys.ts';

const keyOf = ([time, offset]: [number, number]): Buffer => {
  const key = newTimelineKey();
  setTimelineKey(key, 1, time, offset, 3);
  expect(timelineTime(key)).toBe(time);
  return key;
};

describe('timeline keys', () => {
  it('sort by time, then by offset, both descending', () => {
    const place = fc.tuple(fc.integer({ min: 0, max: MAX_TIME }), fc.maxSafeNat());
    fc.assert(
      fc.property(place, place, fc.boolean(), (a, b, tie) => {
        const other: [number, number] = tie ? [a[0], b[1]] : b;
        const order = Math.sign(other[0] - a[0] || other[1] - a[1]);
        expect(Buffer.compare(keyOf(a), keyOf(other))).toBe(order === 0 ? 0 : order);
      }),
    );
  });
});
