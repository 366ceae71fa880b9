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

/** What a record costs beside its set, its key and its bins: digest, times, generation and counts. */
const RECORD_OVERHEAD_BYTES = 40;

/**
 * Size of a record as the limits see it. A real server (8.0) took one blob of at most 1,048,524 bytes in a record of
 * 1 MiB: 52 bytes beside the value, which this formula gives for a set and a bin name of 4 bytes together.
 */
export const recordBytes = (bins: PackedBins, set: string, key: string): number =>
  RECORD_OVERHEAD_BYTES + bins.length + set.length + key.length;

/** Bytes of a bin in `recordBytes` beside its name and value. */
export const BIN_OVERHEAD_BYTES = OPERATION_HEADER_BYTES;
