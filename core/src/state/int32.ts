/**
 * The integer whose usual decimal form the text is, if it fits 32 bits, and otherwise NaN: so `7` is a number, and `07`,
 * `+7`, `7.0`, `-0` and `2147483648` are texts. Converting back gives the text again.
 */
export function canonicalInt32(text: string): number {
  const length = text.length;
  if (length === 0 || length > 11) return Number.NaN;
  const negative = text.charCodeAt(0) === 0x2d;
  const start = negative ? 1 : 0;
  const first = text.charCodeAt(start);
  if (first === 0x30) return length === 1 ? 0 : Number.NaN;
  let value = 0;
  for (let at = start; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (start === length) return Number.NaN;
  if (negative) value = -value;
  return value === (value | 0) ? value : Number.NaN;
}
