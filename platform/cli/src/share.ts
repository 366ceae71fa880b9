import { MillraceError } from '@millrace/core';

/** A share between 0 and 1, written as `0.05` or `5%`. @throws INVALID_OPTION */
export function shareOf(field: string, text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = digits === undefined ? Number.NaN : Number(digits) / (percent === '%' ? 100 : 1);
  if (share >= 0 && share <= 1) return share;
  const accepted = 'a share from 0 to 1, such as 0.05 or 5%';
  throw new MillraceError('INVALID_OPTION', `${field}: ${JSON.stringify(text)} is not ${accepted}`, {
    field,
    value: text,
    accepted,
  });
}
