import { MillraceError } from '../errors.ts';

/** The first one, the tenth, the hundredth: an outage must not fill the log. */
export const isWorthALine = (count: number): boolean => Number.isInteger(Math.log10(count));

/** What a function of the application threw, for the message that it was asked about. */
export function hookFailed(who: string, hook: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('REFUSED', `${who}: its ${hook} failed: ${reason}`, { field: hook, cause });
}
