import { describe, expect, it } from 'vitest';
import { LagMeter } from '../src/lag.ts';

describe('LagMeter', () => {
  it('tells how many records wait, and since when the oldest does', () => {
    const meter = new LagMeter();
    expect(meter.lag(0, 5)).toEqual({ records: 0, ms: 0 });
    meter.sample(100, 1000);
    meter.sample(200, 2000);
    meter.sample(300, 3000);
    expect(meter.lag(0, 3500)).toEqual({ records: 300, ms: 2500 });
    expect(meter.lag(100, 3500)).toEqual({ records: 200, ms: 1500 });
    expect(meter.lag(250, 3500)).toEqual({ records: 50, ms: 500 });
    expect(meter.lag(300, 3500)).toEqual({ records: 0, ms: 0 });
    meter.sample(300, 9000);
    meter.sample(301, 10_000);
    expect(meter.lag(300, 10_100)).toEqual({ records: 1, ms: 100 });
  });

  it('keeps the age of the oldest over a long outage', () => {
    const meter = new LagMeter();
    for (let i = 1; i <= 100_000; i++) meter.sample(i, i * 100);
    const { records, ms } = meter.lag(0, 10_000_000);
    expect(records).toBe(100_000);
    expect(ms).toBe(10_000_000 - 100);
    const middle = meter.lag(50_000, 10_000_000);
    expect(middle.records).toBe(50_000);
    expect(Math.abs(middle.ms - 5_000_000)).toBeLessThan(100_000);
  });
});
