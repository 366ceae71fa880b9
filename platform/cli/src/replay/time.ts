/** Epoch times with fewer digits are seconds: 1e11 ms is March 1973, 1e11 s the year 5138. */
const SMALLEST_MILLISECONDS = 1e11;
const NUMBER = /^-?\d+(\.\d+)?$/;
const ZONE = /(Z|[+-]\d\d:?\d\d)$/i;

/**
 * Milliseconds of ISO 8601 (without a zone it is UTC; a blank may stand for the T) or of seconds or milliseconds since
 * the epoch; undefined for anything else.
 */
export function parseEventTime(value: unknown): number | undefined {
  if (typeof value === 'number') return fromEpoch(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (NUMBER.test(text)) return fromEpoch(Number(text));
  const iso = text.replace(' ', 'T');
  const ms = Date.parse(iso.includes('T') && !ZONE.test(iso) ? `${iso}Z` : iso);
  return Number.isNaN(ms) ? undefined : ms;
}

const fromEpoch = (value: number): number => Math.round(Math.abs(value) < SMALLEST_MILLISECONDS ? value * 1000 : value);
