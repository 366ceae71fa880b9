import { FRAME, INFO3, MESSAGE_HEADER_BYTES, PROTO_HEADER_BYTES } from './constants.ts';
import type { Outcome } from './response.ts';
import { emptyOutcome, writeFrameHeader, writeMessageHeader } from './response.ts';

/** One field of a message; the text has one character a byte. */
export interface ResponseField {
  readonly type: number;
  readonly text: string;
}

const NO_FIELDS: readonly ResponseField[] = [];

/** Collects the many messages of an answer (rows of a batch, records of a scan) into frames. */
export class MessageStream {
  #bytes = Buffer.allocUnsafe(4096);
  #length = PROTO_HEADER_BYTES;

  /** Bytes waiting to be taken. */
  get length(): number {
    return this.#length - PROTO_HEADER_BYTES;
  }

  add(outcome: Outcome, info3: number, index = 0, fields = NO_FIELDS): void {
    let size = MESSAGE_HEADER_BYTES + outcome.bins.length;
    for (const { text } of fields) size += 5 + text.length;
    this.#reserve(size);
    let at = writeMessageHeader(this.#bytes, this.#length, outcome, info3, fields.length, index);
    for (const { type, text } of fields) {
      at = this.#bytes.writeUInt32BE(text.length + 1, at);
      this.#bytes[at++] = type;
      at += this.#bytes.write(text, at, 'latin1');
    }
    at += this.#bytes.write(outcome.bins, at, 'latin1');
    this.#length = at;
  }

  /** Ends the answer. */
  last(code: number): void {
    this.add(emptyOutcome(code), INFO3.last);
  }

  /** All that waits, as one frame; the stream starts anew. */
  take(): Buffer {
    const frame = this.#bytes.subarray(0, this.#length);
    writeFrameHeader(frame, FRAME.message, this.length);
    // The frame belongs to the socket from now on.
    this.#bytes = Buffer.allocUnsafe(4096);
    this.#length = PROTO_HEADER_BYTES;
    return frame;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
