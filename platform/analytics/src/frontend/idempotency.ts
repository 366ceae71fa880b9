import { MillraceError } from '@millrace/core';

const FORM = /^[\x21-\x7e]{1,255}$/;

/** The request's Idempotency-Key, checked; undefined when it has none. @throws INVALID_ARGUMENT */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && FORM.test(header)) return header;
  throw new MillraceError('INVALID_ARGUMENT', 'Idempotency-Key must be one short word', {
    field: 'Idempotency-Key',
    value: header,
    accepted: '1 to 255 visible ASCII characters',
  });
}

/** The key of one tag of a batch. With its blank it is no key that a request can give, nor one of another batch. */
export const keyInBatch = (key: string, line: number): string => `${key} ${line}`;
