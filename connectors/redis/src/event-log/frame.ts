import type { LogRecord, NewRecord } from '@millrace/core';

/*
 * One stream entry holds one frame, the records that were appended together:
 *   version 1 | append time, ms, 6 bytes big-endian | records
 * and a record is:
 *   varint key bytes + 1, 0 without a key | varint value bytes | key, UTF-8 | value
 */

const VERSION = 1;
const HEADER_BYTES = 7;
const VARINTS_BYTES = 2 * 5;
const FIRST_BYTES = 1024;
/** A frame takes no further record beyond this: what is read and trimmed at once stays small. */
export const FRAME_BYTES = 64 * 1024;

/** Encodes records into one growing buffer, which is reused. */
export class FrameBuilder {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = HEADER_BYTES;
  #records = 0;

  get records(): number {
    return this.#records;
  }

  /** Of the records so far. */
  get bytes(): number {
    return this.#at - HEADER_BYTES;
  }

  /** Whether this record should rather start the next frame. */
  isFull(record: NewRecord): boolean {
    return this.#records > 0 && this.#at + record.value.length > FRAME_BYTES;
  }

  add({ key, value }: NewRecord): void {
    const keyBytes = key === undefined ? 0 : Buffer.byteLength(key);
    this.#reserve(VARINTS_BYTES + keyBytes + value.length);
    this.#varint(key === undefined ? 0 : keyBytes + 1);
    this.#varint(value.length);
    if (key !== undefined) this.#at += this.#buffer.write(key, this.#at, 'utf8');
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    this.#records++;
  }

  /** The frame; valid until `clear`. */
  finish(timestamp: number): Buffer {
    this.#buffer[0] = VERSION;
    this.#buffer.writeUIntBE(timestamp, 1, 6);
    return this.#buffer.subarray(0, this.#at);
  }

  clear(): void {
    this.#at = HEADER_BYTES;
    this.#records = 0;
    // One record of the largest size must not stay in memory for ever.
    if (this.#buffer.length > 2 * FRAME_BYTES) this.#buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }
}

/** Gives the records of one frame, in order. */
export class FrameReader {
  /** Offset of the record that `take` gives next. */
  offset: number;
  readonly to: number;
  readonly #frame: Buffer;
  readonly #timestamp: number;
  #at = HEADER_BYTES;

  /** @throws RangeError for bytes that no {@link FrameBuilder} wrote */
  constructor(frame: Buffer, from: number, to: number) {
    if (frame[0] !== VERSION) throw new RangeError(`frame of version ${frame[0]}`);
    this.#frame = frame;
    this.offset = from;
    this.to = to;
    this.#timestamp = frame.readUIntBE(1, 6);
  }

  /** Passes over the records below this offset. */
  skipTo(offset: number): void {
    while (this.offset < Math.min(offset, this.to)) this.#next();
  }

  /**
   * Adds records until the frame or the budget of value bytes ends; with `force` the first one whatever its size.
   *
   * @returns what is left of the budget, negative when it ended
   */
  take(records: LogRecord[], budget: number, force: boolean): number {
    let rest = budget;
    let first = force;
    while (this.offset < this.to) {
      const before = this.#at;
      const { offset } = this;
      const { key, value } = this.#next();
      rest -= value.length;
      if (rest < 0 && !first) {
        this.#at = before;
        this.offset = offset;
        return rest;
      }
      first = false;
      records.push({ offset, timestamp: this.#timestamp, key, value });
    }
    return rest;
  }

  #next(): { readonly key: string | undefined; readonly value: Buffer } {
    const keyLength = this.#varint();
    const valueLength = this.#varint();
    const keyEnd = keyLength === 0 ? this.#at : this.#at + keyLength - 1;
    const end = keyEnd + valueLength;
    if (end > this.#frame.length) throw new RangeError('a record ends behind its frame');
    const key = keyLength === 0 ? undefined : this.#frame.toString('utf8', this.#at, keyEnd);
    const value = this.#frame.subarray(keyEnd, end);
    this.#at = end;
    this.offset++;
    return { key, value };
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#frame[this.#at++];
      if (byte === undefined) throw new RangeError('a frame ends within a record');
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  }
}
