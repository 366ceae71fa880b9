import { setTimeout as sleep } from 'node:timers/promises';
import { tagJson, type GeneratedTag } from './tags.ts';
import type { TimedClient } from './timed-client.ts';

const GIVE_UP_MS = 60_000;

/** From the acknowledgement of a tag until an answer shows it, milliseconds. */
export interface Freshness {
  readonly profileMs: number;
  readonly aggregateMs: number;
}

/** Sends tags of new users, each to a dimension of its own, and asks for them until they show. */
export async function measureFreshness(client: TimedClient, tags: number): Promise<Freshness[]> {
  const results: Freshness[] = [];
  for (let number = 0; number < tags; number++) {
    const tag = freshTag(`fresh-${Date.now()}-${number}`);
    await client.post(tagJson(tag));
    const acknowledgedAt = performance.now();
    const [profileMs, aggregateMs] = await Promise.all([
      shownAfter(acknowledgedAt, async () => {
        const { body } = await client.get(`/user_profiles/${tag.cookie}?time_range=${rangeOf(tag)}`);
        return (body as { buys: unknown[] }).buys.length === 1;
      }),
      shownAfter(acknowledgedAt, async () => {
        const query = `time_range=${rangeOf(tag)}&action=BUY&aggregates=COUNT&origin=${tag.origin}`;
        const { body } = await client.get(`/aggregates?${query}`);
        return (body as { rows: string[][] }).rows.some((row) => row.at(-1) === '1');
      }),
    ]);
    results.push({ profileMs, aggregateMs });
    await sleep(20);
  }
  return results;
}

async function shownAfter(acknowledgedAt: number, isShown: () => Promise<boolean>): Promise<number> {
  for (;;) {
    if (await isShown()) return performance.now() - acknowledgedAt;
    if (performance.now() - acknowledgedAt > GIVE_UP_MS) throw new Error(`a tag does not show after ${GIVE_UP_MS} ms`);
    await sleep(1);
  }
}

const freshTag = (cookie: string): GeneratedTag => ({
  time: Date.now(),
  cookie,
  country: 'PL',
  device: 'PC',
  action: 'BUY',
  origin: cookie,
  productId: 7,
  brandId: 'brand-7',
  categoryId: 'category-7',
  price: 1,
});

/** The minute of the tag. */
function rangeOf({ time }: GeneratedTag): string {
  const minute = Math.floor(time / 60_000) * 60_000;
  return [minute, minute + 60_000].map((ms) => new Date(ms).toISOString().slice(0, 19)).join('_');
}
