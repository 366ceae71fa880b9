const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?<zone>Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * Milliseconds since the epoch of an ISO 8601 date or time, UTC unless it names a zone; undefined for any other text.
 *
 * @example
 * utcTime('2026-03-22T12:15');   // 1774181700000
 */
export function utcTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  // Without a zone, a date is UTC to the parser, but a time is local.
  const isLocal = text.includes('T') && match.groups?.['zone'] === undefined;
  const time = Date.parse(isLocal ? `${text}Z` : text);
  return Number.isNaN(time) ? undefined : time;
}
