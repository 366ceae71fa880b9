// oxlint-disable-next-line typescript/triple-slash-reference -- a module without types of its own is declared there; an import could not name it
/// <reference path="./snappyjs.d.ts" />
import snappy from 'snappyjs';

/** What the original platform keeps of one user: Snappy's raw block format around compact JSON. */
export interface V1Profile {
  readonly cookie: string;
  readonly views: readonly V1Tag[];
  readonly buys: readonly V1Tag[];
}

/** A user tag as it was posted, with `.SSS` and `Z` in its time. */
export interface V1Tag {
  readonly time: string;
  readonly action: string;
  readonly product_info: { readonly price: number };
}

/** What happened in one minute. */
export interface V1Totals {
  views: number;
  viewsPrice: number;
  buys: number;
  buysPrice: number;
}

const MINUTE = 60;
const HOUR = 3600;
/** No record of the original is larger than Aerospike takes, and Snappy makes at most about 20 times as much of it. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Where the original keeps a minute, by its `AEROSPIKE_BUCKETS_PER_KEY`: the hour is the key's, its minute is the
 * quotient, and the bin is the minute less the quotient.
 *
 * @param minute epoch seconds of the minute's begin
 */
export function v1Place(minute: number, bucketsPerKey: number): { readonly keySeconds: number; readonly bin: string } {
  const ofHour = (minute % HOUR) / MINUTE;
  const quotient = Math.floor(ofHour / bucketsPerKey);
  return { keySeconds: minute - (minute % HOUR) + quotient * MINUTE, bin: String(ofHour - quotient) };
}

/** The key of the totals over all origins, brands and categories. */
export const v1TotalsKey = (keySeconds: number): string => `[${keySeconds},0,0,0]`;

/** A profile with the tags that can be read, and what is wrong with the others. */
export interface ReadV1Profile {
  readonly profile: V1Profile;
  /** For each, where it stands and what it is not: `views[3]: its time is no time`. */
  readonly damaged: readonly string[];
}

/** Undefined for bytes that are no profile. */
export function readV1Profile(bytes: unknown): ReadV1Profile | undefined {
  const found = readBlock(bytes) as Partial<Record<keyof V1Profile, unknown>> | undefined;
  if (typeof found?.cookie !== 'string' || !Array.isArray(found.views) || !Array.isArray(found.buys)) return undefined;
  const damaged: string[] = [];
  const intact = (list: 'views' | 'buys'): V1Tag[] =>
    (found[list] as unknown[]).flatMap((tag, at) => {
      const problem = problemOf(tag);
      if (problem === undefined) return [tag as V1Tag];
      damaged.push(`${list}[${at}]: ${problem}`);
      return [];
    });
  return { profile: { cookie: found.cookie, views: intact('views'), buys: intact('buys') }, damaged };
}

/** What makes it no user tag; undefined when it is one. */
function problemOf(tag: unknown): string | undefined {
  if (typeof tag !== 'object' || tag === null) return 'it is no object';
  const { time, action, product_info: product } = tag as Partial<Record<keyof V1Tag, unknown>>;
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) return 'its time is no time';
  if (action !== 'VIEW' && action !== 'BUY') return 'its action is neither VIEW nor BUY';
  const price = (product as Partial<V1Tag['product_info']> | null | undefined)?.price;
  return Number.isFinite(price) ? undefined : 'its product_info.price is no number';
}

/** Undefined for bytes that are no totals. */
export function readV1Totals(bytes: unknown): V1Totals | undefined {
  const numbers = readBlock(bytes);
  if (!Array.isArray(numbers) || numbers.length !== 4 || !numbers.every((number) => Number.isFinite(number))) {
    return undefined;
  }
  const [views, viewsPrice, buys, buysPrice] = numbers as [number, number, number, number];
  return { views, viewsPrice, buys, buysPrice };
}

/** JSON in a raw block of Snappy; undefined for anything else. */
function readBlock(bytes: unknown): unknown {
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(snappy.uncompress(bytes, MAX_BYTES)).toString('utf8'));
  } catch {
    // Damage is reported by the caller, who knows the record.
    return undefined;
  }
}
