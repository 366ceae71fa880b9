import { MAX_FRAME_BYTES, PROTO_HEADER_BYTES, PROTO_VERSION } from './constants.ts';

/** Called with the type and the place of each frame's body; the bytes are only lent until it returns. */
export type FrameHandler = (type: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts the bytes of one connection into frames. A frame that arrives in one piece is not copied. */
export class FrameReader {
  readonly #onFrame: FrameHandler;
  /** Start of a frame whose rest has not arrived, and how much of it is there. */
  #partial: Buffer = Buffer.alloc(0);
  #received = 0;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  /** @returns false for bytes that are not this protocol: the connection is to be closed */
  push(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#received > 0) {
        const taken = this.#continue(chunk, at);
        if (taken < 0) return false;
        at += taken;
        continue;
      }
      const available = chunk.length - at;
      if (available < PROTO_HEADER_BYTES) {
        this.#start(chunk, at, PROTO_HEADER_BYTES);
        return true;
      }
      const size = frameBytes(chunk, at);
      if (size < 0) return false;
      if (available < size) {
        this.#start(chunk, at, size);
        return true;
      }
      this.#onFrame(chunk[at + 1]!, chunk, at + PROTO_HEADER_BYTES, at + size);
      at += size;
    }
    return true;
  }

  #start(chunk: Buffer, at: number, size: number): void {
    this.#partial = Buffer.allocUnsafe(size);
    this.#received = chunk.copy(this.#partial, 0, at);
  }

  /** Takes what the frame under way still needs; returns how many bytes that were, -1 for a frame that is too large. */
  #continue(chunk: Buffer, at: number): number {
    let taken = chunk.copy(this.#partial, this.#received, at);
    this.#received += taken;
    if (this.#received < this.#partial.length) return taken;
    if (this.#partial.length === PROTO_HEADER_BYTES) {
      // Only now is the length of the frame known.
      const size = frameBytes(this.#partial, 0);
      if (size < 0) return -1;
      const whole = Buffer.allocUnsafe(size);
      this.#partial.copy(whole);
      this.#partial = whole;
      const more = chunk.copy(whole, this.#received, at + taken);
      this.#received += more;
      taken += more;
      if (this.#received < size) return taken;
    }
    const frame = this.#partial;
    this.#received = 0;
    this.#onFrame(frame[1]!, frame, PROTO_HEADER_BYTES, frame.length);
    return taken;
  }
}

/** Length of the whole frame, -1 when it is not one or is too large. */
function frameBytes(bytes: Buffer, at: number): number {
  if (bytes[at] !== PROTO_VERSION) return -1;
  const size = bytes.readUIntBE(at + 2, 6);
  return size > MAX_FRAME_BYTES ? -1 : size + PROTO_HEADER_BYTES;
}
