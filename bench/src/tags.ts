import { seededRandom } from '@millrace/testkit';

/** How many different values the generated fields take, as in the load test that the API was written for. */
const COOKIES = 1_000_000;
const COUNTRIES = 100;
const ORIGINS = 1_000;
const BRANDS = 250;
const CATEGORIES = 67;
const DEVICES = ['PC', 'MOBILE', 'TV'] as const;

/** One generated user action; `number` is its place in the stream, and its time rises by 1 ms from one to the next. */
export interface GeneratedTag {
  readonly time: number;
  readonly cookie: string;
  readonly country: string;
  readonly device: (typeof DEVICES)[number];
  readonly action: 'VIEW' | 'BUY';
  readonly origin: string;
  readonly productId: number;
  readonly brandId: string;
  readonly categoryId: string;
  readonly price: number;
}

/** An endless stream of random tags, the same for the same seed. */
export function* generateTags(startTime: number, seed = 1): Generator<GeneratedTag, never> {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  for (let time = startTime; ; time++) {
    yield {
      time,
      cookie: `cookie-${below(COOKIES)}`,
      country: `C${below(COUNTRIES)}`,
      device: DEVICES[below(DEVICES.length)]!,
      action: below(2) === 0 ? 'VIEW' : 'BUY',
      origin: `origin-${below(ORIGINS)}`,
      productId: below(100_000),
      brandId: `brand-${below(BRANDS)}`,
      categoryId: `category-${below(CATEGORIES)}`,
      price: below(10_000),
    };
  }
}

/** The tag as `POST /user_tags` takes it. */
export function tagJson(tag: GeneratedTag): string {
  return (
    `{"time":"${new Date(tag.time).toISOString()}","cookie":"${tag.cookie}","country":"${tag.country}",` +
    `"device":"${tag.device}","action":"${tag.action}","origin":"${tag.origin}","product_info":{` +
    `"product_id":${tag.productId},"brand_id":"${tag.brandId}","category_id":"${tag.categoryId}","price":${tag.price}}}`
  );
}

/** The next `count` tags as the body of `POST /user_tags/batch`. */
export function tagLines(tags: Iterator<GeneratedTag>, count: number): string {
  let body = '';
  for (let i = 0; i < count; i++) body += `${tagJson(tags.next().value as GeneratedTag)}\n`;
  return body;
}
