import { createHmac, timingSafeEqual } from 'node:crypto';

export const SIGNATURE_PREFIX = 'sha256=';

/** What the signature header says: the HMAC-SHA256 of the body, as GitHub and others write it. */
export function signatureOf(secret: string, body: string | Uint8Array): string {
  return SIGNATURE_PREFIX + createHmac('sha256', secret).update(body).digest('hex');
}

/** Takes the same time whether the first digit differs or the last. */
export function isSigned(secret: string, body: Uint8Array, given: string | undefined): boolean {
  const expected = Buffer.from(signatureOf(secret, body));
  const actual = Buffer.from(given ?? '');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
