import { MAX_FRAME_BYTES, PROTO_HEADER_BYTES, PROTO_VERSION } from './constants.ts';

/**
 * Called with the type and the place of each frame's body. The bytes are lent until it returns, or until the promise that
 * it returns is resolved; the next frame comes only then.
 */
export type FrameHandler = (type: number, bytes: Buffer, start: number, end: number) => Promise<unknown> | undefined;

/** Bytes that are no frame, or one that is larger than a message may be; never leaves the server. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Cuts the bytes of one connection into frames. A frame that arrives in one piece is not copied. */
export class FrameReader {
  readonly #onFrame: FrameHandler;
  /** Start of a frame whose rest has not arrived, and how much of it is there. */
  #partial: Buffer = Buffer.alloc(0);
  #received = 0;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  /**
   * @returns undefined once all frames are handled; otherwise a promise, until which the next piece has to wait
   * @throws FrameError for bytes that are not this protocol: the connection is to be closed
   */
  push(chunk: Buffer, from = 0): Promise<void> | undefined {
    let at = from;
    while (at < chunk.length) {
      let pending: Promise<unknown> | undefined;
      if (this.#received > 0) {
        at = this.#fill(chunk, at);
        pending = this.#handlePartial();
      } else {
        const available = chunk.length - at;
        const size = available < PROTO_HEADER_BYTES ? PROTO_HEADER_BYTES : frameBytes(chunk, at);
        if (available < size) {
          this.#partial = Buffer.allocUnsafe(size);
          at = this.#fill(chunk, at);
          return undefined;
        }
        pending = this.#onFrame(chunk[at + 1]!, chunk, at + PROTO_HEADER_BYTES, at + size);
        at += size;
      }
      if (pending !== undefined) return this.#continueAfter(pending, chunk, at);
    }
    return undefined;
  }

  async #continueAfter(pending: Promise<unknown>, chunk: Buffer, at: number): Promise<void> {
    await pending;
    await this.push(chunk, at);
  }

  /** Takes what the frame under way still needs, and returns where it ends in the piece. */
  #fill(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#partial, this.#received, at);
    this.#received += taken;
    return at + taken;
  }

  #handlePartial(): Promise<unknown> | undefined {
    const frame = this.#partial;
    if (this.#received < frame.length) return undefined;
    // Only with its header the length of a frame is known; one without a body is already whole.
    if (frame.length === PROTO_HEADER_BYTES && frameBytes(frame, 0) > frame.length) {
      this.#partial = Buffer.allocUnsafe(frameBytes(frame, 0));
      frame.copy(this.#partial);
      return undefined;
    }
    this.#received = 0;
    return this.#onFrame(frame[1]!, frame, PROTO_HEADER_BYTES, frame.length);
  }
}

/** Length of the whole frame. */
function frameBytes(bytes: Buffer, at: number): number {
  if (bytes[at] !== PROTO_VERSION) throw new FrameError(`version ${bytes[at]} of the protocol is not known`);
  const size = bytes.readUIntBE(at + 2, 6);
  if (size > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${size} bytes is more than ${MAX_FRAME_BYTES}`);
  return size + PROTO_HEADER_BYTES;
}
