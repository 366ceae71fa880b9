import { MillraceError } from './errors.ts';

/** Limits of every key-value store. */
export const MAX_KEY_BYTES = 1024;
export const MAX_VALUE_BYTES = 1024 * 1024;
/** The latest moment at which a key may expire, milliseconds since the epoch: in the year 10889. */
export const MAX_EXPIRY = 2 ** 48 - 1;

/** @throws INVALID_ARGUMENT */
export function checkKey(key: string): void {
  // A lone surrogate has no UTF-8: two such keys would become one.
  if (key.length > 0 && key.length <= MAX_KEY_BYTES && key.isWellFormed() && Buffer.byteLength(key) <= MAX_KEY_BYTES) {
    return;
  }
  throw new MillraceError('INVALID_ARGUMENT', `a key must be a text of 1 to ${MAX_KEY_BYTES} bytes of UTF-8`, {
    field: 'key',
    value: key,
    accepted: `a non-empty, well-formed text of at most ${MAX_KEY_BYTES} bytes of UTF-8`,
  });
}

/** @throws INVALID_ARGUMENT */
export function checkValue(value: Uint8Array): void {
  if (value.length <= MAX_VALUE_BYTES) return;
  throw new MillraceError('INVALID_ARGUMENT', `a value has at most ${MAX_VALUE_BYTES} bytes`, {
    field: 'value',
    value: `${value.length} bytes`,
    accepted: `at most ${MAX_VALUE_BYTES} bytes`,
  });
}

/** When a key expires that lives for so long, in whole milliseconds since the epoch. @throws INVALID_ARGUMENT */
export function expiryOf(ttlMs: number | undefined, now: number): number | undefined {
  if (ttlMs === undefined) return undefined;
  const expiresAt = Math.ceil(now + ttlMs);
  if (ttlMs > 0 && expiresAt <= MAX_EXPIRY) return expiresAt;
  throw new MillraceError('INVALID_ARGUMENT', 'ttlMs must be above 0; leave it out for a key that never expires', {
    field: 'ttlMs',
    value: ttlMs,
    accepted: 'milliseconds, above 0, at most until the year 10889',
  });
}

/** INVALID_ARGUMENT: the value of the key, or the sum with it, is no integer of 64 bits. */
export function notIncremented(key: string, value: string, reason: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `"${key}" cannot be incremented: ${reason}. Set it to a decimal integer from -2^63 to 2^63-1 first`,
    { field: key, value, accepted: 'a decimal integer from -2^63 to 2^63-1' },
  );
}
