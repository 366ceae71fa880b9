import { encodeTag, TAG_STATE_SCHEMA, type UserTag } from '@millrace/analytics';
import type { NewRecord, StateReader } from '@millrace/core';

const START = Date.UTC(2022, 2, 22, 12, 0);
const STEP_MS = 12;
const TAGS_PER_COOKIE = 100;
const KINDS = TAG_STATE_SCHEMA.kinds.length;

/**
 * Knows of every tag whether it was acknowledged, and how often it must be in the state: an acknowledged one once, any
 * other at most once, in timelines and rollups alike. Tags are arithmetic on their number, which is their product.
 */
export class NumberedTags {
  readonly #acknowledged: boolean[] = [];
  /** Tags that were found although their append had not resolved: allowed, and from then on they must stay. */
  found = 0;

  get acknowledged(): number {
    return this.#acknowledged.filter(Boolean).length - this.found;
  }

  take(count: number): { readonly numbers: readonly number[]; readonly records: readonly NewRecord[] } {
    const numbers = Array.from({ length: count }, () => this.#acknowledged.push(false) - 1);
    return { numbers, records: numbers.map((number) => encodeTag(tagOf(number))) };
  }

  acknowledge(numbers: readonly number[]): void {
    for (const number of numbers) this.#acknowledged[number] = true;
  }

  /** What is wrong with the state, in words; empty when nothing is. */
  async compare(reader: StateReader): Promise<string[]> {
    const problems: string[] = [];
    const inRollups = await this.#rollups(reader, problems);
    const inTimelines = await this.#timelines(reader, problems);
    this.#acknowledged.forEach((acknowledged, number) => {
      const [rollups, timelines] = [inRollups.get(number) ?? 0, inTimelines.get(number) ?? 0];
      if (!acknowledged && rollups === 1) {
        this.#acknowledged[number] = true;
        this.found++;
      }
      if (rollups === timelines && (acknowledged ? rollups === 1 : rollups <= 1)) return;
      const fate = acknowledged ? 'acknowledged' : 'unacknowledged';
      problems.push(`tag ${number}, ${fate}: ${timelines} times in its timeline, ${rollups} times in the rollup`);
    });
    return problems;
  }

  async #rollups(reader: StateReader, problems: string[]): Promise<Map<number, number>> {
    const seen = new Map<number, number>();
    const to = START + this.#acknowledged.length * STEP_MS + 60_000;
    const query = { from: START, to: to - (to % 60_000), where: {}, groupBy: ['product_id'], limit: 1e6 };
    for (const { group, count, sums } of (await reader.rollup(query)).rows) {
      const number = Number(group[0]);
      seen.set(number, (seen.get(number) ?? 0) + count);
      if (sums[0] !== BigInt(count * tagOf(number).price)) problems.push(`tag ${number} has the sum ${sums[0]}`);
    }
    return seen;
  }

  async #timelines(reader: StateReader, problems: string[]): Promise<Map<number, number>> {
    const seen = new Map<number, number>();
    for (let first = 0; first < this.#acknowledged.length; first += TAGS_PER_COOKIE) {
      const { cookie } = tagOf(first);
      for (let kind = 0; kind < KINDS; kind++) {
        const entries = await reader.timeline(cookie, { kind, from: 0, to: Infinity, limit: 1000 });
        for (const [at, { time }] of entries.entries()) {
          const number = (time - START) / STEP_MS;
          seen.set(number, (seen.get(number) ?? 0) + 1);
          if (tagOf(number).cookie !== cookie || number % KINDS !== kind)
            problems.push(`${cookie} has tag ${number} as ${kind}`);
          if (at > 0 && entries[at - 1]!.time < time) problems.push(`${cookie} is not newest first`);
        }
      }
    }
    return seen;
  }
}

const tagOf = (number: number): UserTag => ({
  time: START + number * STEP_MS,
  cookie: `c-${Math.floor(number / TAGS_PER_COOKIE)}`,
  country: 'PL',
  device: 'PC',
  action: TAG_STATE_SCHEMA.kinds[number % KINDS]!,
  origin: `origin-${number % 7}`,
  productId: number,
  brandId: `brand-${number % 11}`,
  categoryId: `category-${number % 5}`,
  price: 1 + (number % 1000),
});
