import type { StateSchema, TimelineEntry } from '@millrace/core';

/** What a user's device can be; a tag's byte in the log is an index into this list, so only append to it. */
export const DEVICES = ['PC', 'TV', 'MOBILE'] as const;
/** What a user can do; an index into this list is the kind of the state's timelines, so only append to it. */
export const ACTIONS = ['VIEW', 'BUY'] as const;

export type Device = (typeof DEVICES)[number];
export type Action = (typeof ACTIONS)[number];

/** One thing that a user did, as a shop reports it. */
export interface UserTag {
  /** When it happened: milliseconds since the epoch, 0 to 2^48 - 1. */
  readonly time: number;
  /** Names the user: the key of the log record and of the profile. */
  readonly cookie: string;
  readonly country: string;
  readonly device: Device;
  readonly action: Action;
  readonly origin: string;
  /** Echoed with the type it came with; a number is a safe integer. */
  readonly productId: string | number;
  readonly brandId: string;
  readonly categoryId: string;
  /** int32. */
  readonly price: number;
}

/** How user tags are kept in the state: the order of the dimensions is the order of {@link StateEvent.dimensions}. */
export const TAG_STATE_SCHEMA = {
  kinds: ACTIONS,
  dimensions: [
    { name: 'origin', values: 'bounded' },
    { name: 'brand_id', values: 'bounded' },
    { name: 'category_id', values: 'bounded' },
    { name: 'country', values: 'bounded' },
    { name: 'device', values: 'bounded' },
    { name: 'product_id', values: 'unbounded' },
  ],
  measures: ['price'],
} as const satisfies StateSchema;

const INTEGER = /^-?\d+$/;

/**
 * A product id as the text of its dimension: an integer is its digits; a string that could be mistaken for one, or
 * that starts with the mark itself, gets a leading `"`. So the type survives, and most ids cost nothing extra.
 */
export function productDimension(productId: string | number): string {
  if (typeof productId === 'number') return String(productId);
  return productId.startsWith('"') || INTEGER.test(productId) ? `"${productId}` : productId;
}

/** The opposite of {@link productDimension}. */
export function productIdOf(dimension: string): string | number {
  if (dimension.startsWith('"')) return dimension.slice(1);
  return INTEGER.test(dimension) ? Number(dimension) : dimension;
}

/** The tag that an entry of a cookie's timeline was made from. */
export function tagOf(cookie: string, action: Action, entry: TimelineEntry): UserTag {
  const [origin, brandId, categoryId, country, device, product] = entry.dimensions;
  return {
    time: entry.time,
    cookie,
    country: country!,
    device: device as Device,
    action,
    origin: origin!,
    productId: productIdOf(product!),
    brandId: brandId!,
    categoryId: categoryId!,
    price: entry.measures[0]!,
  };
}
