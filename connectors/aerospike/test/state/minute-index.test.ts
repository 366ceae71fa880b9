import { STATE_SCHEMA } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { MinuteIndex } from '../../src/state/minute-index.ts';
import { openAerospikeStateWriter } from '../../src/state-store.ts';

const DAY_MS = 24 * 3_600_000;
const MOST_MINUTES = 180 * 24 * 60;

describe('the index of minutes', () => {
  it('is stored as it was', () => {
    const index = new MinuteIndex();
    for (const [minute, block] of [
      [27_000_000, 0],
      [27_000_001, 3],
      [27_000_500, 0],
      [26_000_000, 300],
    ] as const)
      index.set(minute, block);
    index.set(27_000_500, 1);
    index.delete(27_000_000);
    const stored = MinuteIndex.decode(index.encode());
    expect(stored.sorted()).toEqual([26_000_000, 27_000_001, 27_000_500]);
    expect(stored.sorted().map((minute) => stored.lastBlock(minute))).toEqual([300, 3, 1]);
    expect(stored.lastBlock(27_000_000)).toBeUndefined();
    expect([index.changed, stored.changed]).toEqual([true, false]);
    expect(stored.least(27_000_500, 1)).toEqual([26_000_000]);
  });

  it('fits its record also after the longest retention, with a gigabyte in each minute', () => {
    const index = new MinuteIndex();
    for (let minute = 0; minute < MOST_MINUTES; minute++) index.set(27_000_000 + minute, 16_383);
    expect(index.encode().length).toBeLessThan(800_000);
  });

  it('says at the start that a retention is too long for it', async () => {
    const options = { schema: STATE_SCHEMA, partitions: 1, retentionMs: 180 * DAY_MS + 1 };
    await expect(openAerospikeStateWriter('aerospike://127.0.0.1:1/test/s', options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'retention', accepted: 'at most 180d' },
    });
  });
});
