import { FRAME, MESSAGE_HEADER_BYTES, PROTO_HEADER_BYTES, PROTO_VERSION } from './constants.ts';

/** What a command answers for one record. */
export interface Outcome {
  code: number;
  generation: number;
  /** Seconds since 2010 when the record expires; 0 = never. */
  voidTime: number;
  binCount: number;
  /** The bins as operations, one character a byte: see `storage/packed-bins.ts`. */
  bins: string;
}

export const emptyOutcome = (code = 0): Outcome => ({ code, generation: 0, voidTime: 0, binCount: 0, bins: '' });

/** The one message of a command on one record, as a whole frame. */
export function singleResponse(outcome: Outcome): Buffer {
  const { bins } = outcome;
  const frame = Buffer.allocUnsafe(PROTO_HEADER_BYTES + MESSAGE_HEADER_BYTES + bins.length);
  writeFrameHeader(frame, FRAME.message, MESSAGE_HEADER_BYTES + bins.length);
  writeMessageHeader(frame, PROTO_HEADER_BYTES, outcome, 0, 0, 0);
  if (bins.length > 0) frame.write(bins, PROTO_HEADER_BYTES + MESSAGE_HEADER_BYTES, 'latin1');
  return frame;
}

export function infoResponse(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(PROTO_HEADER_BYTES + length);
  writeFrameHeader(frame, FRAME.info, length);
  frame.write(text, PROTO_HEADER_BYTES);
  return frame;
}

/** Says that there are no users to log in: Community Edition has no security. */
export function adminResponse(code: number): Buffer {
  const frame = Buffer.alloc(PROTO_HEADER_BYTES + 16);
  writeFrameHeader(frame, FRAME.admin, 16);
  frame[PROTO_HEADER_BYTES + 1] = code;
  return frame;
}

export function writeFrameHeader(frame: Buffer, type: number, size: number): void {
  frame[0] = PROTO_VERSION;
  frame[1] = type;
  frame.writeUIntBE(size, 2, 6);
}

/** `index` stands in the field that requests use for their time-out: the number of a batch row. */
export function writeMessageHeader(
  bytes: Buffer,
  at: number,
  outcome: Outcome,
  info3: number,
  fieldCount: number,
  index: number,
): number {
  bytes.fill(0, at, at + 6);
  bytes[at] = MESSAGE_HEADER_BYTES;
  bytes[at + 3] = info3;
  bytes[at + 5] = outcome.code;
  bytes.writeUInt32BE(outcome.generation, at + 6);
  bytes.writeUInt32BE(outcome.voidTime, at + 10);
  bytes.writeUInt32BE(index, at + 14);
  bytes.writeUInt16BE(fieldCount, at + 18);
  return bytes.writeUInt16BE(outcome.binCount, at + 20);
}
