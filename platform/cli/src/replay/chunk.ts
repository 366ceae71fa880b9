/** A wrong line: which one, and why. */
export interface LineError {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** A stretch of the input that is sent in one request. */
export interface Chunk {
  /** Bytes of the input: [from, to). */
  readonly from: number;
  readonly to: number;
  /** Line of the input that the next chunk starts with, counted from 1. */
  readonly nextLine: number;
  /** A user tag as JSON per line; may be empty. */
  readonly body: Buffer;
  readonly tags: number;
  /** The line of the input that a line of the body (from 1) came from. */
  lineOf(bodyLine: number): number;
  /** Lines that never became a tag. */
  readonly errors: readonly LineError[];
  /** Event time of its first tag, milliseconds, where the input is paced by it. */
  readonly time: number | undefined;
}

export interface ChunkLimits {
  readonly lines: number;
  readonly bytes: number;
  /** A chunk spans no more event time than this, milliseconds; undefined does not look at times. */
  readonly spanMs: number | undefined;
}

/** Where to go on in an input. */
export interface Place {
  readonly position: number;
  readonly line: number;
  /** The first chunk must end here, because a request with exactly its lines may have arrived already. */
  readonly firstEnd: number | undefined;
}
