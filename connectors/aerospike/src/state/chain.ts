import type { Bins } from '../records.ts';

/**
 * Bytes that only ever grow lie in a chain of records: when one has reached this size, further bytes go to the next. So
 * a record stays far below the limit of 1 MiB, and an append, for which Aerospike writes the record anew, stays cheap.
 * The size is part of the format: whether there may be a next record of a dictionary is read from the size of the one
 * before.
 */
export const BLOCK_BYTES = 64 * 1024;
/** Most bytes appended at a time, but for a single event that is larger. */
export const PIECE_BYTES = 64 * 1024;

/** Bins of a record of a chain: its bytes, and how many they are. */
export const BYTES_BIN = 'b';
export const SIZE_BIN = 'z';
/** Bin with the offset behind the last event that is in the record. */
export const OFFSET_BIN = 'o';

/** A position in a chain. */
export interface ChainPosition {
  readonly block: number;
  readonly size: number;
}

export const CHAIN_START: ChainPosition = { block: 0, size: 0 };

/**
 * How far a record of a chain reaches that must be there. One that is lost counts as full: were it begun anew, what is
 * left would pass for the whole; so it stays missing, and readers say so.
 */
export const sizeOf = (stored: Bins | undefined): number =>
  stored === undefined ? BLOCK_BYTES : (stored[SIZE_BIN] as number);

/** Where the next bytes go. */
export const nextPosition = ({ block, size }: ChainPosition): ChainPosition =>
  size >= BLOCK_BYTES ? { block: block + 1, size: 0 } : { block, size };

export const isBefore = (a: ChainPosition, b: ChainPosition): boolean =>
  a.block < b.block || (a.block === b.block && a.size < b.size);
