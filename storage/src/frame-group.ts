import { StorageError } from './errors.ts';
import { HEADER_BYTES, writeHeader } from './frame.ts';

/** A frame closes once its body would pass this size, so that a damaged byte costs few records. */
export const FRAME_BODY_BYTES = 4096;

const INITIAL_BYTES = 64 * 1024;
/** A buffer that has grown beyond this is given back to the collector instead of being kept for the next group. */
const KEPT_BYTES = 4 * 1024 * 1024;
const MAX_RECORDS = 0xffff;

/**
 * Records that will be written and synced together, already laid out as frames: encoding straight into this buffer
 * is the only copy a record sees.
 *
 * @example
 * const at = group.reserve(200);                  // room for at most 200 bytes
 * const end = encodeInto(group.buffer, at);
 * group.added(end);                               // one record stands in [at, end)
 */
export class FrameGroup {
  buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** Bytes used, headers included. */
  length = 0;
  records = 0;
  readonly #frameStarts: number[] = [];
  readonly #frameRecords: number[] = [];
  #frameStart = 0;
  #inFrame = MAX_RECORDS;

  /** Position in `buffer` (which may be another one afterwards) where at most `bytes` of one record may be written. */
  reserve(bytes: number): number {
    const opens = this.#inFrame === MAX_RECORDS || this.length + bytes > this.#frameStart + FRAME_BODY_BYTES;
    const needed = this.length + bytes + HEADER_BYTES;
    if (needed > this.buffer.length) this.#grow(needed);
    if (opens) this.#openFrame();
    return this.length;
  }

  /** The record that was reserved last ends before `end`. */
  added(end: number): void {
    this.length = end;
    this.records++;
    this.#inFrame++;
  }

  /** An empty frame: it carries nothing but the durable position. */
  mark(): void {
    this.reserve(0);
  }

  /** Fills in all headers. The first frame goes to `position` and starts at `offset`; all before both is durable. */
  seal(segment: number, position: number, offset: number, time: number): void {
    this.#closeFrame();
    let next = offset;
    for (let i = 0; i < this.#frameStarts.length; i++) {
      const start = this.#frameStarts[i]!;
      const end = this.#frameStarts[i + 1] ?? this.length;
      const records = this.#frameRecords[i]!;
      writeHeader(this.buffer, start, segment, {
        position: position + start,
        bodyLength: end - start - HEADER_BYTES,
        offset: next,
        time,
        records,
        durablePosition: position,
        durableOffset: offset,
      });
      next += records;
    }
  }

  /** Empties the group for its next use. */
  clear(): void {
    if (this.buffer.length > KEPT_BYTES) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.length = 0;
    this.records = 0;
    this.#frameStarts.length = 0;
    this.#frameRecords.length = 0;
    this.#inFrame = MAX_RECORDS;
  }

  #openFrame(): void {
    this.#closeFrame();
    this.#frameStarts.push(this.length);
    this.#frameStart = this.length;
    this.#inFrame = 0;
    this.length += HEADER_BYTES;
  }

  #closeFrame(): void {
    if (this.#frameRecords.length < this.#frameStarts.length) this.#frameRecords.push(this.#inFrame);
  }

  #grow(needed: number): void {
    if (needed > 2 ** 30) throw new StorageError('TOO_LARGE', 'a group of records is limited to 1 GiB');
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
