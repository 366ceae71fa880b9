/** The bits as one number, the first of them its highest. */
export function bitsOf(bytes: Buffer, start: number, size: number): bigint {
  if (size === 0) return 0n;
  const first = start >> 3;
  const end = Math.ceil((start + size) / 8);
  const value = BigInt(`0x${bytes.toString('hex', first, end)}`);
  return (value >> BigInt(end * 8 - start - size)) & ((1n << BigInt(size)) - 1n);
}

/** A copy of the bytes with those bits changed. */
export function withBits(bytes: Buffer, start: number, size: number, value: bigint): Buffer {
  const changed = Buffer.from(bytes);
  if (size === 0) return changed;
  const first = start >> 3;
  const end = Math.ceil((start + size) / 8);
  const behind = BigInt(end * 8 - start - size);
  const mask = ((1n << BigInt(size)) - 1n) << behind;
  const old = BigInt(`0x${bytes.toString('hex', first, end)}`);
  const combined = (old & ~mask) | (value << behind);
  changed.write(combined.toString(16).padStart((end - first) * 2, '0'), first, 'hex');
  return changed;
}

export function countOnes(bits: bigint): number {
  return bits.toString(2).replaceAll('0', '').length;
}

/** Place of the first (or last) bit of that value, -1 for none. */
export function scanBits(bits: bigint, size: number, value: boolean, fromRight: boolean): number {
  const text = bits.toString(2).padStart(size, '0').slice(-size);
  return fromRight ? text.lastIndexOf(value ? '1' : '0') : text.indexOf(value ? '1' : '0');
}
