import { randomBytes } from 'node:crypto';

import { notIncremented, type Version } from '@millrace/core';

import type { Bins } from './records.ts';

/** Bins of an entry. */
export const BIN = {
  /** The key, for scans: the server keeps a hash of it only. */
  key: 'k',
  /** Bytes, or an integer where the value is one in its usual form, so that the server can add to it. */
  value: 'v',
  /** Random with every `set`: names the parts of a large value. */
  id: 'i',
  /** When it expires, milliseconds since the epoch; a TTL has whole seconds only. */
  expiry: 'x',
  /** Random with every write: the version, which also tells after a lost answer whether the write was applied. */
  token: 'w',
  /** Number of the records with the value's parts, where it is large. */
  parts: 'p',
} as const;

const TOKEN_BYTES = 6;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** An integer that no other write has. */
export const newToken = (): number => randomBytes(TOKEN_BYTES).readUIntBE(0, TOKEN_BYTES);

/** An entry as it is stored. */
export interface StoredEntry {
  readonly id: number;
  readonly value: Buffer;
  readonly expiresAt: number | undefined;
  readonly token: number;
  readonly parts: number;
}

export const isLive = ({ expiresAt }: StoredEntry, now: number): boolean => expiresAt === undefined || expiresAt > now;

export function readEntry(bins: Bins): StoredEntry {
  const value = bins[BIN.value];
  const expiresAt = bins[BIN.expiry];
  const parts = bins[BIN.parts];
  return {
    id: bins[BIN.id] as number,
    value: Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'number' ? String(value) : ''),
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
    token: bins[BIN.token] as number,
    parts: typeof parts === 'number' ? parts : 0,
  };
}

/** How a value is stored. The client takes no integers beyond 2^53 in operations. */
export function storedValue(value: Uint8Array): Buffer | number {
  const bytes = Buffer.from(value);
  if (bytes.length === 0 || bytes.length > 16) return bytes;
  const text = bytes.toString('latin1');
  const number = Number(text);
  return Number.isSafeInteger(number) && String(number) === text ? number : bytes;
}

/** Not the generation of the record: it has 16 bits, and comes again. */
export const versionOf = (token: number): Version => token.toString(36);

/** Undefined for a text that is no version. */
export const parseVersion = (version: Version): number | undefined =>
  /^[0-9a-z]{1,10}$/.test(version) ? Number.parseInt(version, 36) : undefined;

/** Adds to a value that is a decimal integer of 64 bits, 0 when absent. @throws INVALID_ARGUMENT */
export function addDecimal(key: string, value: Buffer | undefined, by: bigint): bigint {
  const text = value === undefined ? '0' : value.subarray(0, 32).toString('latin1');
  if (!/^-?\d{1,19}$/.test(text) || !isInt64(BigInt(text)))
    throw notIncremented(key, text, 'its value is no such integer');
  const sum = BigInt(text) + by;
  if (!isInt64(sum)) throw notIncremented(key, `${text} + ${by}`, 'the sum is none');
  return sum;
}

const isInt64 = (value: bigint): boolean => value >= MIN_INT64 && value <= MAX_INT64;
