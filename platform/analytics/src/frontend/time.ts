/** Event times as text: fixed-form ISO 8601, always UTC. Hand-written because one is parsed for every tag. */

export const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/**
 * `yyyy-MM-ddTHH:mm:ssZ` or `yyyy-MM-ddTHH:mm:ss.SSSZ` as milliseconds since the epoch; undefined for any other text
 * and for dates that no calendar has.
 */
export function parseTagTime(text: string): number | undefined {
  const { length } = text;
  if (length !== 24 && length !== 20) return undefined;
  if (text.charCodeAt(length - 1) !== LETTER_Z) return undefined;
  const minute = parseMinute(text);
  const second = seconds(text);
  if (Number.isNaN(minute) || Number.isNaN(second)) return undefined;
  if (length === 20) return minute + second * 1000;
  const ms = text.charCodeAt(19) === DOT ? digits(text, 20, 23) : Number.NaN;
  return Number.isNaN(ms) ? undefined : minute + second * 1000 + ms;
}

export interface Instant {
  /** Milliseconds since the epoch, rounded down. */
  readonly ms: number;
  /** The rest below a millisecond, 0 to 999,999. */
  readonly nanos: number;
}

/** `yyyy-MM-ddTHH:mm[:ss[.fraction]]` without a zone, the fraction of at most nine digits; undefined for other text. */
export function parseLocalTime(text: string): Instant | undefined {
  const minute = parseMinute(text);
  if (Number.isNaN(minute)) return undefined;
  if (text.length === 16) return { ms: minute, nanos: 0 };
  const second = seconds(text);
  if (Number.isNaN(second)) return undefined;
  if (text.length === 19) return { ms: minute + second * 1000, nanos: 0 };
  if (text.length > 29 || text.charCodeAt(19) !== DOT) return undefined;
  const fraction = text.length === 20 ? 0 : digits(text, 20, text.length) * 10 ** (29 - text.length);
  if (Number.isNaN(fraction)) return undefined;
  const ms = Math.floor(fraction / 1_000_000);
  return { ms: minute + second * 1000 + ms, nanos: fraction - ms * 1_000_000 };
}

/** `2022-03-01T00:05:00.000Z`. */
export const formatTagTime = (ms: number): string => new Date(ms).toISOString();

/** `2022-03-01T00:05:00`: the name of a minute in an aggregates answer. */
export const formatBucket = (ms: number): string => new Date(ms).toISOString().slice(0, -'.000Z'.length);

/** The `yyyy-MM-ddTHH:mm` that the text starts with, as milliseconds; NaN when it does not. */
function parseMinute(text: string): number {
  const separated =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === LETTER_T &&
    text.charCodeAt(13) === COLON;
  if (!separated) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  // Written so that a NaN fails, too.
  if (!(month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && year >= 0)) return Number.NaN;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > DAYS_IN_MONTH[month]! + (leap && month === 2 ? 1 : 0)) return Number.NaN;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const dayOfYear = DAYS_BEFORE_MONTH[month]! + (leap && month > 2 ? 1 : 0) + day - 1;
  const days = before * 365 + leapDays + dayOfYear - DAYS_BEFORE_EPOCH;
  return days * DAY_MS + hour * 3_600_000 + minute * MINUTE_MS;
}

/** Days from 0001-01-01 to 1970-01-01. */
const DAYS_BEFORE_EPOCH = 719_162;

/** The `:ss` at position 16; NaN when it is not there or above 59. */
function seconds(text: string): number {
  const value = text.charCodeAt(16) === COLON ? digits(text, 17, 19) : Number.NaN;
  return value <= 59 ? value : Number.NaN;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    // NaN beyond the end of the text fails this comparison.
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
