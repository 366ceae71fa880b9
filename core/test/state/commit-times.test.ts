import { expect, it } from 'vitest';

import { CommitTimes } from '../../src/state/commit-times.ts';

it('commit times tell the highest offset that was committed by a moment, never a later one', () => {
  const times = new CommitTimes();
  expect(times.committedBy(1000)).toBeUndefined();
  for (let at = 1; at <= 1000; at++) times.add(at, at);
  for (let moment = 0; moment <= 900; moment += 50) {
    const committed = times.committedBy(moment) ?? 0;
    expect(committed).toBeLessThanOrEqual(moment);
    // Moments that are close to one another are kept as one.
    expect(committed).toBeGreaterThanOrEqual(moment - 200);
  }
  expect(times.committedBy(1000)).toBe(1000);
  expect(times.committedBy(0)).toBe(1000);
});
