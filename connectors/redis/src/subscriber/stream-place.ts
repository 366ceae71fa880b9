import { MillraceError, utcTime } from '@millrace/core';

/** Where to begin in a stream: behind this ID, or behind all that is there. */
export type StreamPlace = 'latest' | { readonly after: string };

const ACCEPTED =
  'earliest (or start), latest (or end), the ID of an entry such as 1774181700000-0, or a UTC time such as 2026-03-22T12:15:00Z';
const ID = /^(?<time>\d{1,19})(?:-(?<number>\d{1,19}))?$/;
const HIGHEST = 18_446_744_073_709_551_615n;
const BEGINNING: StreamPlace = { after: '0-0' };

/** @throws INVALID_OPTION */
export function parseStreamPlace(text: string): StreamPlace {
  if (text === 'earliest' || text === 'start') return BEGINNING;
  if (text === 'latest' || text === 'end') return 'latest';
  const { time, number = '0' } = ID.exec(text)?.groups ?? {};
  if (time !== undefined) return { after: before(BigInt(time), BigInt(number)) };
  const milliseconds = utcTime(text);
  if (milliseconds !== undefined && milliseconds >= 0) return { after: before(BigInt(milliseconds), 0n) };
  throw new MillraceError('INVALID_OPTION', `from: ${JSON.stringify(text)} is not a place to begin: give ${ACCEPTED}`, {
    field: 'from',
    value: text,
    accepted: ACCEPTED,
  });
}

/** Redis reads what lies behind an ID, and the entry itself is to be read. */
function before(time: bigint, number: bigint): string {
  if (number > 0n) return `${time}-${number - 1n}`;
  return time > 0n ? `${time - 1n}-${HIGHEST}` : '0-0';
}
