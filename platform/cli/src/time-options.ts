import { MillraceError, durationOption, stringOption, utcTime } from '@millrace/core';

/** Which stretch of event time a query asks for. */
export const timeOptions = {
  range: stringOption({
    flag: 'range',
    optional: true,
    description: 'Time range as the HTTP interface takes it: <from>_<to>, UTC, without Z',
  }),
  from: stringOption({
    flag: 'from',
    optional: true,
    description: 'Start, UTC: 2026-03-22T12:15:00 (or without the seconds)',
  }),
  to: stringOption({ flag: 'to', optional: true, description: 'End, UTC, itself not included' }),
  last: durationOption({ flag: 'last', optional: true, min: '1ms', description: 'Up to now, for so long' }),
} as const;

export interface TimeOptions {
  readonly range: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly last: number | undefined;
}

/** [from, to), milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * The `time_range` parameter that the options say.
 *
 * @param fallback what is asked for when none of the options is given
 * @throws INVALID_OPTION when they contradict each other or are no times
 */
export function timeRange({ range, from, to, last }: TimeOptions, now: number, fallback: Range): string {
  const ways = [range !== undefined, from !== undefined || to !== undefined, last !== undefined];
  if (ways.filter(Boolean).length > 1) {
    throw new MillraceError('INVALID_OPTION', 'give only one of --range, --from with --to, and --last', {
      field: '--range',
      value: range,
    });
  }
  if (range !== undefined) return range;
  if (last !== undefined) return rangeText({ from: now - last, to: now });
  return rangeText({
    from: from === undefined ? fallback.from : parseTime('--from', from),
    to: to === undefined ? fallback.to : parseTime('--to', to),
  });
}

export const rangeText = ({ from, to }: Range): string => `${localTime(from)}_${localTime(to)}`;

/** `2026-03-22T12:15:00.000`, as the interface's ranges want it. */
const localTime = (ms: number): string => new Date(ms).toISOString().slice(0, -1);

export function parseTime(field: string, text: string): number {
  const ms = utcTime(text);
  if (ms !== undefined) return ms;
  const accepted = 'a UTC time such as 2026-03-22T12:15:00, or a date';
  throw new MillraceError('INVALID_OPTION', `${field}: ${JSON.stringify(text)} is not ${accepted}`, {
    field,
    value: text,
    accepted,
  });
}
