import { MillraceError } from '../errors.ts';
import type { Message } from '../publisher.ts';

/**
 * What the types say, for callers without types: drivers would write "[object Object]", drop a header without a word, or
 * fail with errors of their own.
 *
 * @throws INVALID_ARGUMENT
 */
export function checkMessage(message: Message): void {
  if (typeof message !== 'object' || message === null) throw invalid('a message', 'message', message, 'an object');
  const { key, headers } = message;
  if (key !== undefined && typeof key !== 'string') throw invalid('the key', 'key', key, 'a text');
  if (headers === undefined) return;
  if (typeof headers !== 'object' || headers === null) throw invalid('the headers', 'headers', headers, 'an object');
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string') throw invalid(`the header ${name}`, `headers.${name}`, value, 'a text');
  }
}

function invalid(what: string, field: string, value: unknown, accepted: string): MillraceError {
  const is = value === null ? 'null' : `of type ${typeof value}`;
  return new MillraceError('INVALID_ARGUMENT', `${what} is ${is}`, { field, value, accepted });
}
