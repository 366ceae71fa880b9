import { MillraceError } from '@millrace/core';

/** Header that holds a message's key, percent-encoded. */
export const KEY_HEADER = 'x-millrace-key';
/** Header by which a receiver knows a message that it has got before. */
export const IDEMPOTENCY_HEADER = 'idempotency-key';

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** `Name: value` lines as an object, names in lower case. @throws INVALID_OPTION */
export function parseHeaders(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      const [name, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      if (at < 0 || !isHeader(name, value)) {
        // The line may hold a token: it is not shown.
        throw new MillraceError('INVALID_OPTION', 'headers: a line is not "Name: value"', {
          field: 'headers',
          accepted: 'lines of "Name: value"',
        });
      }
      return [name.toLowerCase(), value];
    }),
  );
}

/** A message's own headers, names in lower case. @throws INVALID_ARGUMENT */
export function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (isHeader(name, value)) return [name.toLowerCase(), value];
      const message = `the message's header ${JSON.stringify(name)} cannot be sent: HTTP takes printable Latin-1 only`;
      throw new MillraceError('INVALID_ARGUMENT', message, { field: `headers.${name}`, value });
    }),
  );
}

const isHeader = (name: string, value: string): boolean => NAME.test(name) && VALUE.test(value);
