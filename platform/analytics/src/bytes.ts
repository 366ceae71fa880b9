import { isUtf8 } from 'node:buffer';

const SLAB_BYTES = 64 * 1024;
/** Up to here a loop over the characters beats the call into the runtime. */
const SHORT = 48;

/**
 * Writes small records one after the other into slabs, so that a record costs a view and not an allocation.
 * A slab lives as long as one of its records does.
 */
export class ByteWriter {
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  private start = 0;
  private at = 0;

  /** Starts a record that needs at most so many bytes. */
  begin(atMost: number): void {
    if (this.at + atMost > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, atMost));
      this.at = 0;
    }
    this.start = this.at;
  }

  /** The record since `begin`. */
  end(): Uint8Array {
    return this.slab.subarray(this.start, this.at);
  }

  byte(value: number): void {
    this.slab[this.at++] = value;
  }

  /** Six bytes, big endian: 0 to 2^48 - 1. */
  uint48(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    const slab = this.slab;
    let at = this.at;
    slab[at++] = high >>> 8;
    slab[at++] = high;
    slab[at++] = value >>> 24;
    slab[at++] = value >>> 16;
    slab[at++] = value >>> 8;
    slab[at++] = value;
    this.at = at;
  }

  /** Unsigned 32 bit, 7 bits a byte, lowest first. */
  varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.slab[this.at++] = rest | 0x80;
      rest >>>= 7;
    }
    this.slab[this.at++] = rest;
  }

  /** Signed 32 bit: small magnitudes are short whatever their sign. */
  zigzag(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  /** Length in bytes, then UTF-8. Needs at most `5 + 3 * text.length` bytes. */
  text(text: string): void {
    const { length } = text;
    if (length > SHORT || !this.ascii(text)) this.utf8(text);
  }

  raw(bytes: Uint8Array): void {
    this.slab.set(bytes, this.at);
    this.at += bytes.length;
  }

  private ascii(text: string): boolean {
    const slab = this.slab;
    let at = this.at;
    slab[at++] = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      slab[at++] = code;
    }
    this.at = at;
    return true;
  }

  private utf8(text: string): void {
    this.varint(Buffer.byteLength(text));
    this.at += this.slab.write(text, this.at, 'utf8');
  }
}

/** Entries of the table of recent texts; a power of two. */
const RECENT = 4096;

/**
 * Reads what {@link ByteWriter} wrote. Whatever the bytes are, a read throws nothing but RangeError: with a message
 * that says what was found.
 */
export class ByteReader {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  // Brands, countries and the like repeat: handing out the same string again saves making it, and hashing it later.
  private readonly recent: string[] = Array.from({ length: RECENT }, () => '');

  open(bytes: Uint8Array): void {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError(`the record ends after ${this.bytes.length} bytes`);
    return this.bytes[this.at++]!;
  }

  uint48(): number {
    const { bytes, at } = this;
    if (at + 6 > bytes.length) throw new RangeError(`the record ends after ${bytes.length} bytes, within a time`);
    this.at = at + 6;
    const low = (bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
    return ((bytes[at]! << 8) | bytes[at + 1]!) * 0x1_0000_0000 + (low >>> 0);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      if (shift === 28 && next > 0x0f) break;
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new RangeError(`an integer before byte ${this.at} has more than 32 bits`);
  }

  zigzag(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** A text that is likely to come again. */
  repeatedText(): string {
    const length = this.length();
    const { bytes, at } = this;
    if (length > SHORT) return this.slice(length);
    let hash = length;
    let seen = 0;
    for (let i = at; i < at + length; i++) {
      const code = bytes[i]!;
      hash = Math.imul(hash ^ code, 0x01000193);
      seen |= code;
    }
    if (seen > 0x7f) return this.slice(length);
    const slot = (hash ^ (hash >>> 15)) & (RECENT - 1);
    const candidate = this.recent[slot]!;
    if (this.matches(candidate, length)) {
      this.at = at + length;
      return candidate;
    }
    const text = this.slice(length);
    this.recent[slot] = text;
    return text;
  }

  text(): string {
    return this.slice(this.length());
  }

  rest(): Uint8Array {
    const rest = this.bytes.subarray(this.at);
    this.at = this.bytes.length;
    return rest;
  }

  private length(): number {
    const length = this.varint();
    if (length <= this.left) return length;
    throw new RangeError(`a text of ${length} bytes at byte ${this.at} of ${this.bytes.length}`);
  }

  private matches(candidate: string, length: number): boolean {
    if (candidate.length !== length) return false;
    const { bytes, at } = this;
    for (let i = 0; i < length; i++) if (candidate.charCodeAt(i) !== bytes[at + i]) return false;
    return true;
  }

  private slice(length: number): string {
    const { bytes, at } = this;
    const end = at + length;
    let seen = 0;
    for (let i = at; i < end; i++) seen |= bytes[i]!;
    this.at = end;
    if (seen <= 0x7f) return bytes.toString('latin1', at, end);
    if (!isUtf8(bytes.subarray(at, end))) throw new RangeError(`the text at byte ${at} is not UTF-8`);
    return bytes.toString('utf8', at, end);
  }
}
