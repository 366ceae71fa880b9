import { crc32 } from 'node:zlib';

/**
 * A frame is a checksummed block of records: the unit of what one flipped bit can cost. Byte layout, little endian
 * (`docs/log-format.md`):
 *
 * ```
 *  0 u32 magic "MRF1"     16 u64 offset of the first record      36 u32 that offset minus the durable offset
 *  4 u32 header CRC       24 u48 append time, ms since the epoch  40 body
 *  8 u32 body length      30 u16 records
 * 12 u32 body CRC         32 u32 durable position in this file
 * ```
 *
 * The header CRC covers bytes 8-40 and starts from {@link placeOf} the frame, so a header copied to another place (a
 * record may hold a piece of a log) is not taken for one.
 */
export const HEADER_BYTES = 40;

const MAGIC = 0x3146524d;
const HIGH = 2 ** 32;

/** The magic as it stands on disk, to search for. */
export const MAGIC_BYTES: Uint8Array = Buffer.from('MRF1', 'latin1');

export interface FrameHeader {
  /** Byte position of the header in its segment file. */
  readonly position: number;
  readonly bodyLength: number;
  readonly bodyCrc: number;
  /** Offset of the first record. */
  readonly offset: number;
  /** Append time, milliseconds since the epoch. */
  readonly time: number;
  readonly records: number;
  /** Bytes of this segment below this position were durable when the frame was written. */
  readonly durablePosition: number;
  /** Offset of the record that starts at `durablePosition`. */
  readonly durableOffset: number;
}

/** Where the frame after this one starts. */
export const endOf = (header: FrameHeader): number => header.position + HEADER_BYTES + header.bodyLength;

/** What ties a header to its segment and position. */
const placeOf = (segment: number, position: number): number =>
  (Math.imul(segment ^ (segment / HIGH), 0x9e3779b1) ^ position) >>> 0;

/** Fills in the header of a frame whose body already stands behind it in `buffer`. */
export function writeHeader(buffer: Buffer, at: number, segment: number, header: Omit<FrameHeader, 'bodyCrc'>): void {
  const { offset, time } = header;
  buffer.writeUInt32LE(MAGIC, at);
  buffer.writeUInt32LE(header.bodyLength, at + 8);
  const body = at + HEADER_BYTES;
  buffer.writeUInt32LE(crc32(buffer.subarray(body, body + header.bodyLength)), at + 12);
  buffer.writeUInt32LE(offset % HIGH, at + 16);
  buffer.writeUInt32LE(Math.floor(offset / HIGH), at + 20);
  buffer.writeUIntLE(time, at + 24, 6);
  buffer.writeUInt16LE(header.records, at + 30);
  buffer.writeUInt32LE(header.durablePosition, at + 32);
  buffer.writeUInt32LE(offset - header.durableOffset, at + 36);
  buffer.writeUInt32LE(crc32(buffer.subarray(at + 8, body), placeOf(segment, header.position)), at + 4);
}

/** The header at `buffer[at]`, which was read from `position` of the segment; undefined when there is no valid one. */
export function readHeader(buffer: Buffer, at: number, segment: number, position: number): FrameHeader | undefined {
  if (at + HEADER_BYTES > buffer.length || buffer.readUInt32LE(at) !== MAGIC) return undefined;
  const crc = crc32(buffer.subarray(at + 8, at + HEADER_BYTES), placeOf(segment, position));
  if (crc !== buffer.readUInt32LE(at + 4)) return undefined;
  const offset = buffer.readUInt32LE(at + 16) + buffer.readUInt32LE(at + 20) * HIGH;
  return {
    position,
    bodyLength: buffer.readUInt32LE(at + 8),
    bodyCrc: buffer.readUInt32LE(at + 12),
    offset,
    time: buffer.readUIntLE(at + 24, 6),
    records: buffer.readUInt16LE(at + 30),
    durablePosition: buffer.readUInt32LE(at + 32),
    durableOffset: offset - buffer.readUInt32LE(at + 36),
  };
}

/** Whether the body, which starts at `buffer[at]`, is as it was written. */
export const isIntact = (header: FrameHeader, buffer: Buffer, at: number): boolean =>
  crc32(buffer.subarray(at, at + header.bodyLength)) === header.bodyCrc;
