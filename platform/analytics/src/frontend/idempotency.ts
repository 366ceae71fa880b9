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
