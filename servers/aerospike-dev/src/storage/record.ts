import { EPOCH_SECONDS } from '../protocol/constants.ts';
import { OPERATION_HEADER_BYTES } from '../protocol/operation.ts';
import type { PackedBins } from './packed-bins.ts';

/** One record. Texts have one character a byte. */
export interface StoredRecord {
  bins: PackedBins;
  binCount: number;
  /** From 1, one more with each write; after 65,535 comes 1. */
  generation: number;
  /** Seconds since 2010 when the record expires; 0 = never. */
  voidTime: number;
  /** Milliseconds since 1970. */
  lastUpdate: number;
  set: string;
  /** Type of particle and value of the user's key, where the client sent it. */
  key: string;
}

const LAST_GENERATION = 65_535;

export const nextGeneration = (generation: number): number => (generation === LAST_GENERATION ? 1 : generation + 1);

export const secondsSince2010 = (ms: number): number => Math.floor(ms / 1000) - EPOCH_SECONDS;

export const isExpired = (record: StoredRecord, nowMs: number): boolean =>
  record.voidTime !== 0 && record.voidTime * 1000 + EPOCH_SECONDS * 1000 <= nowMs;

/** Digest, times, generation and count of bins, and the mark at the end. */
const RECORD_OVERHEAD_BYTES = 40;
const VOID_TIME_BYTES = 4;
/** Type, length of the name and length of the value, of a text, a blob, a list or a map. */
const BIN_OVERHEAD_BYTES = 6;

/**
 * Size of a record as a real server writes it and its limit sees it (8.1, `as_flat_record_size` in
 * `as/src/storage/flat.c`). So one blob of 1,048,524 bytes fits into 1 MiB where the names of set and bin have 5 bytes.
 */
export function recordBytes({ bins, binCount, voidTime, set, key }: StoredRecord): number {
  const binBytes = bins.length - binCount * (OPERATION_HEADER_BYTES - BIN_OVERHEAD_BYTES);
  const lengthBytes = Number(set !== '') + Number(key !== '');
  return (
    RECORD_OVERHEAD_BYTES + binBytes + set.length + key.length + lengthBytes + (voidTime === 0 ? 0 : VOID_TIME_BYTES)
  );
}
