import { MillraceError } from '@millrace/core';
import type { Answer, Target } from './request.ts';

/** Statuses below 500 that say "not now" (RFC 9110, RFC 8470, RFC 6585). */
const LATER = new Set([408, 425, 429]);

/** Undefined when the target has taken the message; else why not, and whether trying again may help. */
export function refusalOf({ status, headers }: Answer, { display }: Target): MillraceError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const later = status >= 500 || LATER.has(status);
  const to = headers.location === undefined ? '' : `: it has moved to ${headers.location}, name that instead`;
  return new MillraceError(later ? 'UNAVAILABLE' : 'REFUSED', `${display} answers ${status}${to}`, {
    field: 'status',
    value: status,
  });
}

/** What `Retry-After` asks for, in milliseconds from now: a number of seconds, or a date. */
export function retryAfterMs({ headers }: Answer, now: number): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
