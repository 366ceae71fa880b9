import type { Message } from '@millrace/core';

/** A message of the source, acknowledged once everything that it became has been settled. */
export class Origin {
  readonly message: Message;
  readonly #settled: (message: Message) => void;
  #open = 1;

  constructor(message: Message, settled: (message: Message) => void) {
    this.message = message;
    this.#settled = settled;
  }

  /** It has become so many more. */
  grow(count: number): void {
    this.#open += count;
  }

  /** One of what it has become is done with. */
  settle(): void {
    this.#open--;
    if (this.#open === 0) this.#settled(this.message);
  }
}

/** A message on its way, and what it was made of. */
export interface Unit {
  readonly message: Message;
  readonly origins: readonly Origin[];
}

export function settle({ origins }: Unit): void {
  for (const origin of origins) origin.settle();
}
