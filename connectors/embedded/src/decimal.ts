import { notIncremented } from '@millrace/core';

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** Adds to a value that is a decimal integer of 64 bits, 0 when absent. @throws INVALID_ARGUMENT */
export function addDecimal(key: string, value: Uint8Array | undefined, by: bigint): bigint {
  const text = value === undefined ? '0' : Buffer.from(value.subarray(0, 32)).toString('latin1');
  if (!/^-?\d{1,19}$/.test(text) || !fits(BigInt(text)))
    throw notIncremented(key, text, 'its value is no such integer');
  const sum = BigInt(text) + by;
  if (!fits(sum)) throw notIncremented(key, `${text} + ${by}`, 'the sum is none');
  return sum;
}

const fits = (value: bigint): boolean => value >= MIN && value <= MAX;
