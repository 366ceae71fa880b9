/** A dead letter as `/admin/dead-letters` answers it. */
export interface DeadLetterAnswer {
  /** `<partition>-<offset>`. */
  readonly id: string;
  readonly appendedAt: string;
  readonly code: string;
  readonly reason: string;
  readonly key: string | null;
  /** The record, base64. */
  readonly value: string;
}

export interface DeadLettersAnswer {
  readonly deadLetters: readonly DeadLetterAnswer[];
  /** Where the next page starts; absent at the end. */
  readonly next?: string;
}
