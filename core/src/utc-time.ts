const TIME = /^(?<date>\d{4}-\d\d-\d\d)(?:T(?<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?<zone>Z|[+-]\d\d:\d\d)?|Z)?$/i;

/**
 * Milliseconds since the epoch of an ISO 8601 date or time, UTC unless it names a zone; undefined for any other text.
 *
 * @example
 * utcTime('2026-03-22T12:15');   // 1774181700000
 */
export function utcTime(text: string): number | undefined {
  const parts = TIME.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { date, time = '00:00', zone = 'Z' } = parts;
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : ms;
}
