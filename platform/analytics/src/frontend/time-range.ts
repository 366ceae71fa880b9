import { MillraceError } from '@millrace/core';
import { MINUTE_MS, parseLocalTime, type Instant } from './time.ts';

/** The first and the last millisecond that the state can hold (48 bits). */
const LATEST_MS = 2 ** 48 - 1;

export const TIME_RANGE_FORM =
  '<from>_<to>, both yyyy-MM-ddTHH:mm[:ss[.SSS]] in UTC without Z, as 2022-03-22T12:15:00_2022-03-22T12:30:00';

/** [from, to) as it was asked for. */
export interface TimeRange {
  readonly from: Instant;
  readonly to: Instant;
}

/** Pieces after the second `_` are ignored, as the interface's first implementation did. @throws INVALID_PARAMETER */
export function parseTimeRange(text: string): TimeRange {
  const [first = '', second = ''] = text.split('_', 2);
  const from = parseLocalTime(first);
  const to = parseLocalTime(second);
  if (from !== undefined && to !== undefined) return { from, to };
  const zoned = /[zZ](_|$)/.test(text) ? ': leave the Z out, times are UTC' : '';
  throw new MillraceError('INVALID_PARAMETER', `time_range is not a time range${zoned}`, {
    field: 'time_range',
    value: text,
    accepted: TIME_RANGE_FORM,
  });
}

/** The range in whole milliseconds, within what the state can hold. Empty when from >= to. */
export function wholeMilliseconds({ from, to }: TimeRange): { readonly from: number; readonly to: number } {
  return { from: within(roundUp(from)), to: within(roundUp(to)) };
}

/** A tag's time is whole milliseconds, so `>= 0.2 ms` and `< 0.2 ms` say `>= 1 ms` and `< 1 ms`. */
const roundUp = ({ ms, nanos }: Instant): number => (nanos > 0 ? ms + 1 : ms);

const within = (ms: number): number => Math.min(Math.max(ms, 0), LATEST_MS);

/** Length of the range in milliseconds, rounded down; negative when it ends before it starts. */
export const lengthOf = ({ from, to }: TimeRange): number => to.ms - from.ms - (to.nanos < from.nanos ? 1 : 0);

/** Starts of the range's minutes: as many as whole minutes fit into it, from the minute that `from` lies in. */
export function minutesOf(range: TimeRange): readonly number[] {
  const first = Math.floor(range.from.ms / MINUTE_MS) * MINUTE_MS;
  const count = Math.max(0, Math.floor(lengthOf(range) / MINUTE_MS));
  return Array.from({ length: count }, (_, index) => first + index * MINUTE_MS);
}
