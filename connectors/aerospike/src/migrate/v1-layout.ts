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

/** Undefined for bytes that are no profile. */
export function readV1Profile(bytes: unknown): V1Profile | undefined {
  const profile = readBlock(bytes) as Partial<V1Profile> | undefined;
  const isProfile = typeof profile?.cookie === 'string' && Array.isArray(profile.views) && Array.isArray(profile.buys);
  return isProfile ? (profile as V1Profile) : undefined;
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
