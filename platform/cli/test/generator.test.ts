import { describe, expect, it } from 'vitest';
import { CARDINALITIES, MAX_LATE_MS, TagGenerator, TagWriter } from '../src/load/generator.ts';
import type { GeneratedTag, GeneratorOptions } from '../src/load/generator.ts';

const START = Date.UTC(2026, 0, 1);
const DEFAULTS: GeneratorOptions = { seed: 7, start: START, cookies: 1000, late: 0, ties: 0 };

function tags(count: number, options: Partial<GeneratorOptions> = {}): GeneratedTag[] {
  const generator = new TagGenerator({ ...DEFAULTS, ...options });
  return Array.from({ length: count }, () => generator.next());
}

describe('TagGenerator', () => {
  it('gives the same tags for the same seed, and others for another', () => {
    expect(tags(500, { late: 0.1, ties: 0.1 })).toEqual(tags(500, { late: 0.1, ties: 0.1 }));
    expect(tags(5)).not.toEqual(tags(5, { seed: 8 }));
  });

  it('advances one millisecond per tag', () => {
    expect(tags(100).map(({ time }) => time - START)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it('makes the asked share late, by at most ten minutes', () => {
    const lateness = tags(10_000, { late: 0.05 })
      .map(({ time }, index) => START + index - time)
      .filter((ms) => ms !== 0);
    expect(lateness.length).toBeGreaterThan(400);
    expect(lateness.length).toBeLessThan(600);
    expect(Math.min(...lateness)).toBeGreaterThan(0);
    expect(Math.max(...lateness)).toBeLessThanOrEqual(MAX_LATE_MS);
  });

  it('makes the asked share repeat cookie and time of an earlier tag', () => {
    const seen = new Set<string>();
    let ties = 0;
    for (const { cookie, time } of tags(10_000, { ties: 0.05, cookies: 1_000_000 })) {
      if (seen.has(`${cookie} ${time}`)) ties++;
      seen.add(`${cookie} ${time}`);
    }
    expect(ties).toBeGreaterThan(400);
    expect(ties).toBeLessThan(600);
  });

  it('stays within the cardinalities and reaches them', () => {
    const some = tags(20_000);
    expect(new Set(some.map(({ origin }) => origin)).size).toBe(CARDINALITIES.origins);
    expect(new Set(some.map(({ brand }) => brand)).size).toBe(CARDINALITIES.brands);
    expect(new Set(some.map(({ category }) => category)).size).toBe(CARDINALITIES.categories);
    expect(new Set(some.map(({ country }) => country)).size).toBe(CARDINALITIES.countries);
    expect(Math.max(...some.map(({ cookie }) => cookie))).toBeLessThan(1000);
  });

  it('has users of its own for every seed and start', () => {
    const salts = [DEFAULTS, { ...DEFAULTS, seed: 8 }, { ...DEFAULTS, start: START + 1 }].map(
      (options) => new TagGenerator(options).salt,
    );
    expect(new Set(salts).size).toBe(3);
  });
});

it('writes tags as the interface takes them', () => {
  const tag = {
    time: Date.UTC(2026, 2, 1, 12, 0, 5, 7),
    cookie: 3,
    country: 12,
    device: 2,
    action: 1,
    origin: 9,
    product: 5,
    brand: 8,
    category: 6,
    price: 199,
  };
  expect(JSON.parse(new TagWriter('u-').body(tag))).toEqual({
    time: '2026-03-01T12:00:05.007Z',
    cookie: 'u-3',
    country: 'BC',
    device: 'MOBILE',
    action: 'BUY',
    origin: 'origin-9',
    product_info: { product_id: 5, brand_id: 'brand-8', category_id: 'category-6', price: 199 },
  });
});
