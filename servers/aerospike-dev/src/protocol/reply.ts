/** Where the answer to a command goes. */
export interface Reply {
  send(frame: Buffer): void;
  /** Resolves when the peer has taken what was sent, at once when little waits; false once the connection is gone. */
  drained(): Promise<boolean>;
  close(): void;
}

/** A long answer is sent in frames of about this size, each when the one before has been taken. */
export const ANSWER_FRAME_BYTES = 256 * 1024;
