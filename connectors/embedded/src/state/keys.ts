import { MAX_TIME } from '@millrace/core/state';

/**
 * The key space of the state database: one byte says what a record is. Numbers are big-endian, so that LevelDB's byte
 * order is their order.
 */
const TIMELINE = 0x74; // t
const DIRECTORY = 0x72; // r
const CHUNK = 0x63; // c
const DICTIONARY = 0x64; // d
const PARTITION = 0x70; // p
const DEDUPE = 0x78; // x
const DEDUPE_EXPIRY = 0x79; // y
const DEAD_LETTER = 0x6c; // l

/** Where the record of all counters lies. */
export const STATUS_KEY: Buffer = Buffer.from('s');

export const HASH_BYTES = 16;

/** space, hash 16, kind 1, inverted time 6, inverted offset 7, partition 2: newest first, of equal times later first. */
export const TIMELINE_KEY_BYTES = 33;
const KIND_AT = 1 + HASH_BYTES;
const TIME_AT = KIND_AT + 1;

/** A key to be filled in again for every entry: its hash is written by the caller at 1. */
export function newTimelineKey(): Buffer {
  const key = Buffer.alloc(TIMELINE_KEY_BYTES);
  key[0] = TIMELINE;
  return key;
}

export function setTimelineKey(key: Buffer, kind: number, time: number, offset: number, partition: number): void {
  key[KIND_AT] = kind;
  const age = MAX_TIME - time;
  const high = Math.floor(age / 2 ** 32);
  key[TIME_AT] = high >>> 8;
  key[TIME_AT + 1] = high;
  setUint32(key, TIME_AT + 2, age >>> 0);
  const place = Number.MAX_SAFE_INTEGER - offset;
  const top = Math.floor(place / 2 ** 32);
  key[TIME_AT + 6] = top >>> 16;
  key[TIME_AT + 7] = top >>> 8;
  key[TIME_AT + 8] = top;
  setUint32(key, TIME_AT + 9, place >>> 0);
  key[TIME_AT + 13] = partition >>> 8;
  key[TIME_AT + 14] = partition;
}

export const timelineTime = (key: Buffer): number => MAX_TIME - key.readUIntBE(TIME_AT, 6);

/** All entries of the hash (at 1 of `key`) and kind. */
export function timelineRange(key: Buffer, kind: number): { gte: Buffer; lt: Buffer } {
  const gte = Buffer.from(key.subarray(0, TIME_AT));
  gte[KIND_AT] = kind;
  const lt = Buffer.from(gte);
  lt[KIND_AT] = kind + 1;
  return { gte, lt };
}

/** Minutes since the epoch need 33 bits. */
const MINUTE_BYTES = 5;

export function directoryKey(minute: number): Buffer {
  const key = Buffer.alloc(1 + MINUTE_BYTES);
  key[0] = DIRECTORY;
  key.writeUIntBE(minute, 1, MINUTE_BYTES);
  return key;
}

export const directoryMinute = (key: Buffer): number => key.readUIntBE(1, MINUTE_BYTES);

/** Chunk ids are unique over the whole store and never used again. */
export function chunkKey(minute: number, id: number): Buffer {
  const key = Buffer.alloc(1 + MINUTE_BYTES + 6);
  key[0] = CHUNK;
  key.writeUIntBE(minute, 1, MINUTE_BYTES);
  key.writeUIntBE(id, 1 + MINUTE_BYTES, 6);
  return key;
}

export function dictionaryKey(dimension: number, id: number): Buffer {
  const key = Buffer.alloc(4);
  key[0] = DICTIONARY;
  key[1] = dimension;
  key.writeUInt16BE(id, 2);
  return key;
}

export const dictionaryId = (key: Buffer): number => key.readUInt16BE(2);

export function partitionKey(partition: number): Buffer {
  const key = Buffer.alloc(3);
  key[0] = PARTITION;
  key.writeUInt16BE(partition, 1);
  return key;
}

/** The hash is written by the caller at 1. */
export function newDedupeKey(): Buffer {
  const key = Buffer.alloc(1 + HASH_BYTES);
  key[0] = DEDUPE;
  return key;
}

const EXPIRY_HASH_AT = 9;

/** Ordered by the partition's append time, so that what has expired comes first. */
export function dedupeExpiryKey(partition: number, appendedAt: number, dedupeKey: Buffer): Buffer {
  const key = Buffer.alloc(EXPIRY_HASH_AT + HASH_BYTES);
  key[0] = DEDUPE_EXPIRY;
  key.writeUInt16BE(partition, 1);
  key.writeUIntBE(appendedAt, 3, 6);
  dedupeKey.copy(key, EXPIRY_HASH_AT, 1);
  return key;
}

/** Expiry records of the partition with an append time below `before`. */
export function dedupeExpiryRange(partition: number, before: number): { gte: Buffer; lt: Buffer } {
  const none = Buffer.alloc(1 + HASH_BYTES);
  const gte = dedupeExpiryKey(partition, 0, none);
  const lt = dedupeExpiryKey(partition, Math.max(0, before), none);
  return { gte, lt };
}

export const expiryAppendedAt = (key: Buffer): number => key.readUIntBE(3, 6);

export function expiryDedupeKey(key: Buffer): Buffer {
  const dedupeKey = newDedupeKey();
  key.copy(dedupeKey, 1, EXPIRY_HASH_AT);
  return dedupeKey;
}

export function deadLetterKey(partition: number, offset: number): Buffer {
  const key = Buffer.alloc(11);
  key[0] = DEAD_LETTER;
  key.writeUInt16BE(partition, 1);
  key.writeBigUInt64BE(BigInt(offset), 3);
  return key;
}

export const deadLetterPlace = (key: Buffer): { partition: number; offset: number } => ({
  partition: key.readUInt16BE(1),
  offset: Number(key.readBigUInt64BE(3)),
});

export const DEAD_LETTERS: { gte: Buffer; lt: Buffer } = {
  gte: Buffer.from([DEAD_LETTER]),
  lt: Buffer.from([DEAD_LETTER + 1]),
};

export const DIRECTORIES: { gte: Buffer; lt: Buffer } = {
  gte: Buffer.from([DIRECTORY]),
  lt: Buffer.from([DIRECTORY + 1]),
};

/** Entries of one dimension's dictionary from an id on. */
export function dictionaryRange(dimension: number, from: number): { gte: Buffer; lte: Buffer } {
  return { gte: dictionaryKey(dimension, from), lte: dictionaryKey(dimension, 0xffff) };
}

function setUint32(key: Buffer, at: number, value: number): void {
  key[at] = value >>> 24;
  key[at + 1] = value >>> 16;
  key[at + 2] = value >>> 8;
  key[at + 3] = value;
}
