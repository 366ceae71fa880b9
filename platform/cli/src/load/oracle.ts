import type { GeneratedTag } from './generator.ts';
import { ACTIONS, TagWriter, brandName, categoryName, originName } from './generator.ts';

export interface ProfileQuestion {
  readonly cookie: number;
  /** Event time, milliseconds: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

export interface AggregatesQuestion {
  /** Event time, whole minutes in milliseconds: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly action: number;
  readonly origin: number | undefined;
  readonly brand: number | undefined;
  readonly category: number | undefined;
  readonly aggregates: readonly ('COUNT' | 'SUM_PRICE')[];
}

export interface OracleOptions {
  readonly salt: string;
  readonly cookies: number;
  /** Views, and as many buys, that the platform keeps per user. */
  readonly keep: number;
}

const MINUTE_MS = 60_000;
const NONE = -1;

/**
 * What the platform must answer, from the acknowledged tags alone. Plain lists and plain sums, on purpose: nothing of
 * it is shared with the platform, so that a mistake would have to be made twice to go unseen.
 */
export class Oracle {
  private readonly options: OracleOptions;
  private readonly writer: TagWriter;
  private readonly tags: GeneratedTag[] = [];
  /** Per cookie the last tag, and per tag the one of its cookie before it. */
  private readonly last: Int32Array;
  private readonly before: number[] = [];
  private readonly minutes = new Map<number, GeneratedTag[]>();

  constructor(options: OracleOptions) {
    this.options = options;
    this.writer = new TagWriter(options.salt);
    this.last = new Int32Array(options.cookies).fill(NONE);
  }

  get size(): number {
    return this.tags.length;
  }

  at(index: number): GeneratedTag {
    return this.tags[index]!;
  }

  /** An acknowledged tag; those of one cookie in the order in which they arrived. */
  add(tag: GeneratedTag): void {
    this.before.push(this.last[tag.cookie]!);
    this.last[tag.cookie] = this.tags.length;
    this.tags.push(tag);
    const minute = Math.floor(tag.time / MINUTE_MS);
    const inMinute = this.minutes.get(minute);
    if (inMinute === undefined) this.minutes.set(minute, [tag]);
    else inMinute.push(tag);
  }

  /** The whole answer, as text. */
  profile({ cookie, from, to, limit }: ProfileQuestion): string {
    const lists = ACTIONS.map((_, action) => {
      const newest = this.newestFirst(cookie, action).slice(0, this.options.keep);
      const asked = newest.filter(({ time }) => time >= from && time < to).slice(0, limit);
      return asked.map((tag) => this.writer.body(tag)).join(',');
    });
    return `{"cookie":"${this.writer.cookie(cookie)}","views":[${lists[0]}],"buys":[${lists[1]}]}`;
  }

  /** Of equal times the later arrival first. */
  private newestFirst(cookie: number, action: number): GeneratedTag[] {
    const latestArrivalFirst: GeneratedTag[] = [];
    for (let index = this.last[cookie]!; index !== NONE; index = this.before[index]!) {
      if (this.tags[index]!.action === action) latestArrivalFirst.push(this.tags[index]!);
    }
    // Sorting is stable: equal times keep that order.
    return latestArrivalFirst.toSorted((a, b) => b.time - a.time);
  }

  /** The whole answer, as text. */
  aggregates(question: AggregatesQuestion): string {
    const { from, to, action, origin, brand, category, aggregates } = question;
    const filters: (readonly [string, string])[] = [];
    if (origin !== undefined) filters.push(['origin', originName(origin)]);
    if (brand !== undefined) filters.push(['brand_id', brandName(brand)]);
    if (category !== undefined) filters.push(['category_id', categoryName(category)]);
    const rows: string[][] = [];
    for (let start = from; start < to; start += MINUTE_MS) {
      let count = 0;
      let sum = 0n;
      for (const tag of this.minutes.get(start / MINUTE_MS) ?? []) {
        if (tag.action !== action) continue;
        if (origin !== undefined && tag.origin !== origin) continue;
        if (brand !== undefined && tag.brand !== brand) continue;
        if (category !== undefined && tag.category !== category) continue;
        count++;
        sum += BigInt(tag.price);
      }
      const figures = aggregates.map((name) => String(name === 'COUNT' ? count : sum));
      const bucket = new Date(start).toISOString().slice(0, 19);
      rows.push([bucket, ACTIONS[action]!, ...filters.map(([, value]) => value), ...figures]);
    }
    const names = aggregates.map((name) => name.toLowerCase());
    const columns = ['1m_bucket', 'action', ...filters.map(([name]) => name), ...names];
    return JSON.stringify({ columns, rows });
  }
}
