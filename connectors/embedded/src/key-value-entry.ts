/**
 * How keys and entries lie in the LevelDB of the key-value store.
 *
 *     d <key>                        -> version (12), expiry (6, ms since the epoch, 0 = never), value
 *     e <expiry (6, big endian)> <key> -> nothing; exactly one for each entry that expires
 *     s                              -> nothing; rewritten to bring earlier writes to the disk
 */
import { checkKey } from '@millrace/core';

export const VERSION_BYTES = 12;
const EXPIRY_BYTES = 6;
const HEADER_BYTES = VERSION_BYTES + EXPIRY_BYTES;
const DATA = 0x64;
const EXPIRY = 0x65;
const NEVER = 0;

export const SYNC_MARK = Buffer.from('s');

/** One entry as it is stored. */
export interface StoredEntry {
  readonly record: Buffer;
  readonly expiresAt: number | undefined;
}

/** @throws INVALID_ARGUMENT */
export function dataKey(key: string): Buffer {
  checkKey(key);
  return Buffer.from(`d${key}`);
}

/** The key's text, from its data key. */
export function keyText(bytes: Buffer): string {
  return bytes.toString('utf8', 1);
}

/** Range of the data keys that start with the prefix, which may be empty. @throws INVALID_ARGUMENT */
export function prefixRange(prefix: string): { gte: Buffer; lt: Buffer } {
  const gte = prefix === '' ? Buffer.of(DATA) : dataKey(prefix);
  // No byte of UTF-8 is 0xff.
  return { gte, lt: Buffer.concat([gte, Buffer.of(0xff)]) };
}

export function expiryKey(data: Buffer, expiresAt: number): Buffer {
  const key = Buffer.allocUnsafe(data.length + EXPIRY_BYTES);
  key[0] = EXPIRY;
  key.writeUIntBE(expiresAt, 1, EXPIRY_BYTES);
  data.copy(key, 1 + EXPIRY_BYTES, 1);
  return key;
}

/** Range of the expiry keys up to and including the moment. */
export function expiryRange(until: number): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.of(EXPIRY), lt: expiryKey(Buffer.of(DATA), until + 1) };
}

/** The data key and the moment that an expiry key speaks of. */
export function parseExpiryKey(key: Buffer): { data: Buffer; expiresAt: number } {
  const data = Buffer.allocUnsafe(key.length - EXPIRY_BYTES);
  data[0] = DATA;
  key.copy(data, 1, 1 + EXPIRY_BYTES);
  return { data, expiresAt: key.readUIntBE(1, EXPIRY_BYTES) };
}

export function encodeEntry(value: Uint8Array, version: Uint8Array, expiresAt: number | undefined): StoredEntry {
  const record = Buffer.allocUnsafe(HEADER_BYTES + value.length);
  record.set(version);
  record.writeUIntBE(expiresAt ?? NEVER, VERSION_BYTES, EXPIRY_BYTES);
  record.set(value, HEADER_BYTES);
  return { record, expiresAt };
}

export function decodeEntry(record: Buffer): StoredEntry {
  const expiry = record.readUIntBE(VERSION_BYTES, EXPIRY_BYTES);
  return { record, expiresAt: expiry === NEVER ? undefined : expiry };
}

export function versionOf(entry: StoredEntry): string {
  return entry.record.toString('base64url', 0, VERSION_BYTES);
}

export function valueOf(entry: StoredEntry): Buffer {
  return entry.record.subarray(HEADER_BYTES);
}
