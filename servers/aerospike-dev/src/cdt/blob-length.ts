import { LARGEST_RECORD_BYTES } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Arguments } from './arguments.ts';
import { wrong } from './arguments.ts';
import { bytesOf, checkOffset, largest, sizeOf, startOf } from './bit-arguments.ts';

/** Flags of a change of length. */
const FROM_FRONT = 1;
const GROW_ONLY = 2;
const SHRINK_ONLY = 4;

/** @throws CommandError for a size that no record can have, before the memory for it is taken */
function sizeInMemory(size: number): number {
  if (size > LARGEST_RECORD_BYTES) throw new CommandError(RESULT.recordTooBig, `a blob of ${size} bytes`);
  return size;
}

export function resize(blob: Buffer, args: Arguments): Buffer {
  const wanted = args.integer(0);
  if (wanted < 0 || wanted > largest(8)) throw new CommandError(RESULT.parameter, `${wanted} is no size of a blob`);
  const size = sizeInMemory(wanted);
  const flags = args.optionalInteger(2, 0);
  if (size < blob.length && (flags & GROW_ONLY) !== 0)
    throw new CommandError(RESULT.parameter, 'the blob may only grow');
  if (size > blob.length && (flags & SHRINK_ONLY) !== 0)
    throw new CommandError(RESULT.parameter, 'the blob may only shrink');
  const front = (flags & FROM_FRONT) !== 0;
  if (size <= blob.length) return front ? blob.subarray(blob.length - size) : blob.subarray(0, size);
  const zeros = Buffer.alloc(size - blob.length);
  return Buffer.concat(front ? [zeros, blob] : [blob, zeros]);
}

export function insert(blob: Buffer, args: Arguments): Buffer {
  const offset = args.integer(0);
  checkOffset(offset, 8);
  const start = offset < 0 ? blob.length + offset : offset;
  if (start < 0) throw wrong('the place is before the blob');
  sizeInMemory(start);
  const zeros = Buffer.alloc(Math.max(0, start - blob.length));
  return Buffer.concat([blob.subarray(0, start), zeros, bytesOf(args, 1), blob.subarray(start)]);
}

export function removeBytes(blob: Buffer, args: Arguments): Buffer {
  const size = sizeOf(args, 8);
  const start = startOf(blob, args.integer(0), size, 8);
  return Buffer.concat([blob.subarray(0, start), blob.subarray(start + size)]);
}
