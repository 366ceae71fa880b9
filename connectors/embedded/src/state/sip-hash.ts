/**
 * SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, https://github.com/veorq/SipHash): a keyed hash, so that
 * nobody who does not know the seed can construct two keys that meet. Written for 32-bit integers because the engine
 * keeps those unboxed: a short key costs about a quarter of a call into OpenSSL.
 */
export class SipHash {
  readonly #seed: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);
  #words: Int32Array = new Int32Array(0);

  /** `seed`: 16 bytes. */
  constructor(seed: Uint8Array) {
    this.#seed = Int32Array.from([0, 4, 8, 12], (at) => Buffer.from(seed).readInt32LE(at));
    this.#reserve(256);
  }

  /** Writes the 16 bytes of the hash of the text's UTF-8 form to `target`, from `at` on. */
  write(text: string, target: Uint8Array, at: number): void {
    const length = this.#load(text);
    const words = this.#words;
    const [s0, s1, s2, s3] = this.#seed as unknown as readonly [number, number, number, number];
    // Four 64-bit lanes, each as a high and a low half.
    let ah = 0x736f6d65 ^ s1;
    let al = 0x70736575 ^ s0;
    let bh = 0x646f7261 ^ s3;
    let bl = 0x6e646f6d ^ s2 ^ 0xee;
    let ch = 0x6c796765 ^ s1;
    let cl = 0x6e657261 ^ s0;
    let dh = 0x74656462 ^ s3;
    let dl = 0x79746573 ^ s2;

    const mixing = ((length >> 3) + 1) * 2;
    const half = mixing + 4;
    const rounds = half + 4;
    let carry = 0;
    let swap = 0;
    for (let round = 0; round < rounds; round++) {
      if (round < mixing) {
        if ((round & 1) === 0) {
          dl ^= words[round]!;
          dh ^= words[round + 1]!;
        }
      } else if (round === mixing) {
        cl ^= 0xee;
      } else if (round === half) {
        put(target, at, al ^ bl ^ cl ^ dl, ah ^ bh ^ ch ^ dh);
        bl ^= 0xdd;
      }

      al = (al + bl) | 0;
      carry = al >>> 0 < bl >>> 0 ? 1 : 0;
      ah = (ah + bh + carry) | 0;
      swap = (bl << 13) | (bh >>> 19);
      bh = (bh << 13) | (bl >>> 19);
      bl = swap ^ al;
      bh ^= ah;
      swap = al;
      al = ah;
      ah = swap;

      cl = (cl + dl) | 0;
      carry = cl >>> 0 < dl >>> 0 ? 1 : 0;
      ch = (ch + dh + carry) | 0;
      swap = (dl << 16) | (dh >>> 16);
      dh = (dh << 16) | (dl >>> 16);
      dl = swap ^ cl;
      dh ^= ch;

      al = (al + dl) | 0;
      carry = al >>> 0 < dl >>> 0 ? 1 : 0;
      ah = (ah + dh + carry) | 0;
      swap = (dl << 21) | (dh >>> 11);
      dh = (dh << 21) | (dl >>> 11);
      dl = swap ^ al;
      dh ^= ah;

      cl = (cl + bl) | 0;
      carry = cl >>> 0 < bl >>> 0 ? 1 : 0;
      ch = (ch + bh + carry) | 0;
      swap = (bl << 17) | (bh >>> 15);
      bh = (bh << 17) | (bl >>> 15);
      bl = swap ^ cl;
      bh ^= ch;
      swap = cl;
      cl = ch;
      ch = swap;

      if (round < mixing && (round & 1) === 1) {
        al ^= words[round - 1]!;
        ah ^= words[round]!;
      }
    }
    put(target, at + 8, al ^ bl ^ cl ^ dl, ah ^ bh ^ ch ^ dh);
  }

  /** Pads the text to whole 64-bit words whose last byte is the length, and returns the length. */
  #load(text: string): number {
    if (text.length * 3 + 16 > this.#bytes.length) this.#reserve(text.length * 3 + 16);
    const bytes = this.#bytes;
    let length = 0;
    for (; length < text.length; length++) {
      const code = text.charCodeAt(length);
      if (code > 0x7f) break;
      bytes[length] = code;
    }
    if (length < text.length) length = bytes.write(text);
    const end = (length & ~7) + 8;
    for (let at = length; at < end - 1; at++) bytes[at] = 0;
    bytes[end - 1] = length;
    return length;
  }

  #reserve(size: number): void {
    const words = Math.ceil(size / 8) * 2;
    this.#words = new Int32Array(words);
    this.#bytes = Buffer.from(this.#words.buffer);
  }
}

function put(target: Uint8Array, at: number, low: number, high: number): void {
  target[at] = low;
  target[at + 1] = low >>> 8;
  target[at + 2] = low >>> 16;
  target[at + 3] = low >>> 24;
  target[at + 4] = high;
  target[at + 5] = high >>> 8;
  target[at + 6] = high >>> 16;
  target[at + 7] = high >>> 24;
}
