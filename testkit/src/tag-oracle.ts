/**
 * Knows of every tag that a test has sent whether it was acknowledged, and compares the platform's answers with that:
 * an acknowledged tag counts exactly once, any other at most once, in profiles and aggregates alike. It shares no code
 * with the platform: tags are arithmetic on their number, and are told apart by their product id, which is the number.
 */
export interface SentTag {
  readonly number: number;
  /** The body of `POST /user_tags`. */
  readonly json: string;
}

export interface Verdict {
  readonly acknowledged: number;
  /** Sent, not acknowledged, and there nevertheless: legal. */
  readonly inDoubtApplied: number;
  /** What is wrong, for a person; empty when all is right. */
  readonly mismatches: readonly string[];
}

/** Gives the parsed answer to a GET of this path. */
export type Query = (path: string) => Promise<unknown>;

const START = Date.UTC(2022, 2, 22, 12, 0);
const TAGS_PER_COOKIE = 100;
const STEP_MS = 12;
const TAGS_PER_MINUTE = 60_000 / STEP_MS;
const ALL_TIMES = '1970-01-01T00:00:00_2100-01-01T00:00:00';
const DEVICES = ['PC', 'MOBILE', 'TV'];

export class TagOracle {
  readonly #acknowledged: boolean[] = [];
  #acknowledgedCount = 0;

  get sent(): number {
    return this.#acknowledged.length;
  }

  get acknowledged(): number {
    return this.#acknowledgedCount;
  }

  /** The next tags, counted as sent from now on. */
  take(count: number): SentTag[] {
    return Array.from({ length: count }, () => {
      const number = this.#acknowledged.push(false) - 1;
      return { number, json: JSON.stringify(tagOf(number)) };
    });
  }

  acknowledge(tags: readonly SentTag[]): void {
    for (const { number } of tags) {
      if (this.#acknowledged[number] === false) this.#acknowledgedCount++;
      this.#acknowledged[number] = true;
    }
  }

  async compare(query: Query): Promise<Verdict> {
    const mismatches: string[] = [];
    const inProfiles = await this.#profiles(query, mismatches);
    const inAggregates = await this.#aggregates(query, mismatches);
    let inDoubtApplied = 0;
    for (let number = 0; number < this.sent; number++) {
      const profile = inProfiles.get(number) ?? 0;
      const aggregate = inAggregates.get(number) ?? 0;
      const acknowledged = this.#acknowledged[number] === true;
      if (!acknowledged && profile === 1) inDoubtApplied++;
      if (profile === aggregate && (acknowledged ? profile === 1 : profile <= 1)) continue;
      const fate = acknowledged ? 'acknowledged' : 'unacknowledged';
      mismatches.push(`tag ${number}, ${fate}: ${profile} times in the profile, ${aggregate} times in the aggregate`);
    }
    return { acknowledged: this.acknowledged, inDoubtApplied, mismatches };
  }

  /** How often each tag stands in its profile. */
  async #profiles(query: Query, mismatches: string[]): Promise<Map<number, number>> {
    const seen = new Map<number, number>();
    for (let cookie = 0; cookie * TAGS_PER_COOKIE < this.sent; cookie++) {
      const path = `/user_profiles/c-${cookie}?time_range=${ALL_TIMES}&limit=200`;
      const { views, buys } = (await query(path)) as { views: Tag[]; buys: Tag[] };
      for (const tag of [...views, ...buys]) {
        const number = tag.product_info.product_id;
        seen.set(number, (seen.get(number) ?? 0) + 1);
        if (JSON.stringify(tag) !== JSON.stringify(tagOf(number)))
          mismatches.push(`${path} has ${JSON.stringify(tag)}`);
      }
      for (const list of [views, buys]) {
        const sorted = list.toSorted((a, b) => (a.time < b.time ? 1 : -1));
        if (list.some((tag, index) => tag !== sorted[index])) mismatches.push(`${path} is not newest first`);
      }
    }
    return seen;
  }

  /** How often each tag is counted. */
  async #aggregates(query: Query, mismatches: string[]): Promise<Map<number, number>> {
    const seen = new Map<number, number>();
    for (let number = 0; number < this.sent; number += TAGS_PER_MINUTE) {
      const [from, to] = [timeOf(number), timeOf(number + TAGS_PER_MINUTE)].map((time) => time.slice(0, 19));
      for (const action of ['VIEW', 'BUY']) {
        const path =
          `/aggregates?time_range=${from}_${to}&action=${action}&aggregates=COUNT&aggregates=SUM_PRICE` +
          `&group_by=product_id&limit=10000`;
        const { rows } = (await query(path)) as { rows: [string, string, string, string, string][] };
        for (const [, , product, count, sum] of rows) {
          const tag = tagOf(Number(product));
          seen.set(Number(product), (seen.get(Number(product)) ?? 0) + Number(count));
          const right = tag.action === action && Number(sum) === Number(count) * tag.product_info.price;
          if (!right) mismatches.push(`${path} has tag ${product} with the sum ${sum}`);
        }
      }
    }
    return seen;
  }
}

interface Tag {
  readonly time: string;
  readonly action: string;
  readonly product_info: { readonly product_id: number; readonly price: number };
}

/** The tag of this number, in the order of fields that the platform answers with. */
function tagOf(number: number): Tag {
  return {
    time: timeOf(number),
    cookie: `c-${Math.floor(number / TAGS_PER_COOKIE)}`,
    country: 'PL',
    device: DEVICES[number % 3],
    action: number % 2 === 0 ? 'VIEW' : 'BUY',
    origin: `origin-${number % 7}`,
    product_info: {
      product_id: number,
      brand_id: `brand-${number % 11}`,
      category_id: `category-${number % 5}`,
      price: 1 + (number % 1000),
    },
  } as Tag;
}

const timeOf = (number: number): string => new Date(START + number * STEP_MS).toISOString();
