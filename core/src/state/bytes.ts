import { MillraceError } from '../errors.ts';

/** Up to this length `ByteWriter.view` keeps its views, because making one costs more than filling it. */
const KEPT_VIEWS = 256;

/** Appends numbers and texts to one buffer that is used again and again. */
export class ByteWriter {
  #bytes: Buffer;
  #views: Buffer[] = [];
  length = 0;

  constructor(size = 1024) {
    this.#bytes = Buffer.alloc(size);
  }

  reset(): this {
    this.length = 0;
    return this;
  }

  /** An integer from 0 to 2^53 - 1: seven bits a byte, lowest first. */
  varint(value: number): this {
    this.#reserve(8);
    const bytes = this.#bytes;
    let rest = value;
    // Bit operations see 32 bits only.
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[this.length++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) bytes[this.length++] = (rest & 0x7f) | 0x80;
    bytes[this.length++] = rest;
    return this;
  }

  /** An int32 so that small magnitudes are short. */
  zigzag(value: number): this {
    return this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Length in bytes as varint, then UTF-8. */
  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.varint(length).#reserve(length);
    this.length += this.#bytes.write(value, this.length);
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.length = this.#bytes.writeDoubleLE(value, this.length);
    return this;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.length);
    this.length += value.length;
    return this;
  }

  /** What was written, valid until the next `reset`. */
  view(): Buffer {
    if (this.length > KEPT_VIEWS) return this.#bytes.subarray(0, this.length);
    return (this.#views[this.length] ??= this.#bytes.subarray(0, this.length));
  }

  /** What was written, to keep. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, this.length + more));
    this.#bytes.copy(grown, 0, 0, this.length);
    this.#bytes = grown;
    this.#views = [];
  }
}

/** Reads what a {@link ByteWriter} wrote. @throws STATE_CORRUPT beyond the end */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new MillraceError('STATE_CORRUPT', 'a stored value ends too early');
    return value;
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
  }

  zigzag(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }

  text(): string {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MillraceError('STATE_CORRUPT', 'a stored text ends too early');
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return value;
  }

  double(): number {
    const at = this.#at;
    this.#at += 8;
    if (this.#at > this.#bytes.length) throw new MillraceError('STATE_CORRUPT', 'a stored number ends too early');
    return this.#bytes.readDoubleLE(at);
  }

  /** Passes over so many bytes. */
  skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new MillraceError('STATE_CORRUPT', 'a stored value ends too early');
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
