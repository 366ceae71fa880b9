import { Random } from './random.ts';

/** How many different values a field has, as in the public test platform for this interface (RTB House, 2022). */
export const CARDINALITIES = {
  cookies: 1_000_000,
  countries: 100,
  devices: 3,
  actions: 2,
  origins: 1000,
  products: 100_000,
  brands: 250,
  categories: 67,
} as const;

/** Late tags are this much too late at most, milliseconds. */
export const MAX_LATE_MS = 600_000;
/** Ties are with one of so many tags before. */
const RECENT = 1024;
const HIGHEST_PRICE = 100_000;

export const DEVICES = ['PC', 'TV', 'MOBILE'] as const;
export const ACTIONS = ['VIEW', 'BUY'] as const;

/** A tag in numbers: fields are indexes of their values, see {@link TagWriter}. */
export interface GeneratedTag {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly cookie: number;
  readonly country: number;
  readonly device: number;
  readonly action: number;
  readonly origin: number;
  readonly product: number;
  readonly brand: number;
  readonly category: number;
  readonly price: number;
}

export interface GeneratorOptions {
  readonly seed: number;
  /** Event time of the first tag, milliseconds since the epoch; each next one is 1 ms later. */
  readonly start: number;
  readonly cookies: number;
  /** Share of tags that are up to ten minutes late, 0 to 1. */
  readonly late: number;
  /** Share of tags that repeat cookie and time of one of the tags before, 0 to 1. */
  readonly ties: number;
}

/** The same options give the same tags. */
export class TagGenerator {
  /** In every cookie, so that runs with another seed or start have users of their own. */
  readonly salt: string;
  private readonly options: GeneratorOptions;
  private readonly random: Random;
  private readonly recent: GeneratedTag[] = [];
  private index = 0;

  constructor(options: GeneratorOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.salt = `u${options.seed.toString(36)}-${options.start.toString(36)}-`;
  }

  next(): GeneratedTag {
    const { random, recent, options } = this;
    const { start, late, ties, cookies } = options;
    let time = start + this.index;
    let cookie = random.below(cookies);
    const kind = random.next();
    if (kind < late) {
      time -= 1 + random.below(MAX_LATE_MS);
    } else if (kind < late + ties && recent.length > 0) {
      ({ time, cookie } = recent[random.below(recent.length)]!);
    }
    const tag = {
      time,
      cookie,
      country: random.below(CARDINALITIES.countries),
      device: random.below(CARDINALITIES.devices),
      action: random.below(CARDINALITIES.actions),
      origin: random.below(CARDINALITIES.origins),
      product: random.below(CARDINALITIES.products),
      brand: random.below(CARDINALITIES.brands),
      category: random.below(CARDINALITIES.categories),
      price: random.below(HIGHEST_PRICE),
    };
    recent[this.index % RECENT] = tag;
    this.index++;
    return tag;
  }
}

const COUNTRIES = Array.from(
  { length: CARDINALITIES.countries },
  (_, index) => String.fromCharCode(65 + Math.floor(index / 10)) + String.fromCharCode(65 + (index % 10)),
);

export const originName = (origin: number): string => `origin-${origin}`;
export const brandName = (brand: number): string => `brand-${brand}`;
export const categoryName = (category: number): string => `category-${category}`;

/** Texts of whole seconds, because a Date for each tag costs several times as much as the rest of it. */
class TimeTexts {
  private second = -1;
  private text = '';

  /** ISO 8601 with milliseconds. */
  of(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.second) {
      this.second = second;
      this.text = new Date(second * 1000).toISOString().slice(0, '2026-01-01T00:00:00.'.length);
    }
    return `${this.text}${String(ms - second * 1000).padStart(3, '0')}Z`;
  }
}

/** Writes tags as the interface takes and answers them. All of it is ASCII. */
export class TagWriter {
  private readonly salt: string;
  private readonly times = new TimeTexts();

  constructor(salt: string) {
    this.salt = salt;
  }

  body(tag: GeneratedTag): string {
    return (
      `{"time":"${this.times.of(tag.time)}","cookie":"${this.cookie(tag.cookie)}",` +
      `"country":"${COUNTRIES[tag.country]}","device":"${DEVICES[tag.device]}","action":"${ACTIONS[tag.action]}",` +
      `"origin":"${originName(tag.origin)}","product_info":{"product_id":${tag.product},` +
      `"brand_id":"${brandName(tag.brand)}","category_id":"${categoryName(tag.category)}","price":${tag.price}}}`
    );
  }

  cookie(cookie: number): string {
    return this.salt + cookie;
  }
}
