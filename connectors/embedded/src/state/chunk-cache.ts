import type { Chunk } from '@millrace/core/state';

/** The chunks used last, within a number of bytes. A chunk never changes under its id, so none is ever stale. */
export class ChunkCache {
  readonly #maxBytes: number;
  readonly #chunks = new Map<number, Chunk>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(id: number): Chunk | undefined {
    const chunk = this.#chunks.get(id);
    if (chunk === undefined) return undefined;
    // A map keeps the order of insertion: the one used last goes to the end.
    this.#chunks.delete(id);
    this.#chunks.set(id, chunk);
    return chunk;
  }

  set(id: number, chunk: Chunk): void {
    this.#chunks.set(id, chunk);
    this.#bytes += chunk.bytes;
    for (const [oldest, { bytes }] of this.#chunks) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#chunks.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
