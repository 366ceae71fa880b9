import type { DiskFile } from './disk.ts';
import { endOf, HEADER_BYTES, MAGIC_BYTES, readHeader } from './frame.ts';
import type { FrameHeader } from './frame.ts';

/** A frame in the chunk's buffer; whether its body is intact has not been checked yet. */
export interface ReadFrame {
  readonly header: FrameHeader;
  /** Where the body starts in the buffer. */
  readonly bodyAt: number;
}

/** Bytes [from, to) of the file that are no frame. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export type FrameOrGap = ReadFrame | Gap;

export interface FrameChunk {
  readonly buffer: Buffer;
  /** In the order of the file; two neighbouring gaps may be one piece of damage. */
  readonly items: readonly FrameOrGap[];
  /** Position to go on at. */
  readonly next: number;
}

/** How much is read at once when nothing else is asked for. */
export const READ_BYTES = 1024 * 1024;

const FIRST_PROBE_BYTES = 8 * 1024;
const SEEK_STOPS_AT_BYTES = 64 * 1024;

/**
 * Reads the whole frames that start at `position` and end at or before `end`, as many as `buffer` holds; a frame larger
 * than the buffer comes alone, in a new buffer. Bytes that are no frame are skipped up to the next valid header.
 */
export async function readFrames(
  file: DiskFile,
  segment: number,
  position: number,
  end: number,
  buffer: Buffer,
): Promise<FrameChunk> {
  const wanted = Math.min(buffer.length, end - position);
  const length = await file.read(buffer, wanted, position);
  const items: FrameOrGap[] = [];
  // The file is shorter than it must be: what is missing is damage too.
  const isLast = length < wanted || position + length >= end;
  const bytes = length === buffer.length ? buffer : buffer.subarray(0, length);
  let at = 0;
  while (at < length) {
    const header = readHeader(bytes, at, segment, position + at);
    if (header === undefined) {
      if (!isLast && at > 0 && length - at < HEADER_BYTES) break;
      const found = findHeader(bytes, at + 1, segment, position);
      const to = found?.position ?? position + (isLast ? length : Math.max(at + 1, length - HEADER_BYTES + 1));
      items.push({ from: position + at, to });
      at = to - position;
      continue;
    }
    const frameEnd = endOf(header) - position;
    if (frameEnd > length) {
      if (endOf(header) > end || isLast) {
        items.push({ from: position + at, to: end });
        return { buffer, items, next: end };
      }
      if (at === 0) return readFrames(file, segment, position, end, Buffer.allocUnsafeSlow(frameEnd));
      break;
    }
    items.push({ header, bodyAt: at + HEADER_BYTES });
    at = frameEnd;
  }
  if (length < wanted) {
    items.push({ from: position + at, to: end });
    return { buffer, items, next: end };
  }
  return { buffer, items, next: position + at };
}

/**
 * Position of a frame that starts at or before `offset`, at most about 64 KiB of frames before it (0 when there is
 * none): a binary search over the file that re-synchronises on frame headers, so it needs no index and reads about
 * ten times 8 KiB of a 64 MiB segment.
 */
export async function seekFrame(file: DiskFile, segment: number, end: number, offset: number): Promise<number> {
  let low = 0;
  let high = end;
  while (high - low > SEEK_STOPS_AT_BYTES) {
    const middle = low + Math.floor((high - low) / 2);
    const header = await nextHeader(file, segment, middle, high);
    if (header !== undefined && header.offset <= offset) low = header.position;
    else high = middle;
  }
  return low;
}

/** The first valid header that starts in [from, end). */
export async function nextHeader(
  file: DiskFile,
  segment: number,
  from: number,
  end: number,
): Promise<FrameHeader | undefined> {
  let buffer = Buffer.allocUnsafe(FIRST_PROBE_BYTES);
  let position = from;
  while (position < end) {
    const length = await file.read(buffer, buffer.length, position);
    const header = findHeader(buffer.subarray(0, length), 0, segment, position);
    if (header !== undefined) return header.position < end ? header : undefined;
    if (length < buffer.length) return undefined;
    // A header may straddle the end of this read.
    position += length - HEADER_BYTES + 1;
    if (buffer.length < READ_BYTES) buffer = Buffer.allocUnsafe(buffer.length * 4);
  }
  return undefined;
}

function findHeader(bytes: Buffer, from: number, segment: number, position: number): FrameHeader | undefined {
  for (let at = bytes.indexOf(MAGIC_BYTES, from); at !== -1; at = bytes.indexOf(MAGIC_BYTES, at + 1)) {
    const header = readHeader(bytes, at, segment, position + at);
    if (header !== undefined) return header;
  }
  return undefined;
}
