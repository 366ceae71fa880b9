import { Bytes } from '../msgpack/values.ts';
import { MAX_FRAME_BYTES } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Arguments } from './arguments.ts';
import { notApplicable, wrong } from './arguments.ts';

/** Start of the bits, counted from the end when negative. @throws CommandError when they are not all in the blob */
export function startOf(blob: Buffer, offset: number, size: number, unit: 1 | 8): number {
  const length = (blob.length * 8) / unit;
  checkOffset(offset, unit);
  const start = offset < 0 ? length + offset : offset;
  if (start < 0) throw wrong('the place is before the blob');
  if (start + size > length) {
    throw notApplicable(`the blob of ${blob.length} bytes does not have those bits`);
  }
  return start;
}

/** @throws CommandError for a size that is no size, or larger than a message */
export function sizeOf(args: Arguments, unit: 1 | 8 = 1): number {
  const size = args.integer(1);
  if (size < 1 || size > largest(unit)) throw new CommandError(RESULT.parameter, `${size} is no size of bits or bytes`);
  return size;
}

/** Offsets and sizes end with what a message can have (8.1, `bits_parse_offset` in `as/src/base/particle_blob.c`). */
export const largest = (unit: 1 | 8): number => (MAX_FRAME_BYTES * 8) / unit;

export function checkOffset(offset: number, unit: 1 | 8): void {
  if (Math.abs(offset) > largest(unit)) throw new CommandError(RESULT.parameter, `${offset} is outside of every blob`);
}

export function bytesOf(args: Arguments, position: number): Buffer {
  const value = args.value(position);
  if (!(value instanceof Bytes) || value.data === '') {
    throw new CommandError(RESULT.parameter, 'the value is not a blob, or an empty one');
  }
  return Buffer.from(value.data, 'latin1');
}
