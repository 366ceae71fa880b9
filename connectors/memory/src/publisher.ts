import { MillraceError } from '@millrace/core';
import type { Message, Publisher } from '@millrace/core';
import type { MessageText } from './message-text.ts';
import { encodeMessage } from './message-text.ts';

export class MemoryPublisher implements Publisher {
  readonly #url: string;
  readonly #deliver: (message: MessageText) => Promise<void>;
  readonly #leave: () => void;
  readonly #running = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(url: string, deliver: (message: MessageText) => Promise<void>, leave: () => void) {
    this.#url = url;
    this.#deliver = deliver;
    this.#leave = leave;
  }

  async publish(message: Message): Promise<void> {
    if (this.#closing !== undefined) {
      throw new MillraceError('NOT_RUNNING', `the publisher of ${this.#url} is closed: open a new one`);
    }
    const delivery = this.#deliver(encodeMessage(message));
    this.#running.add(delivery);
    await delivery;
    this.#running.delete(delivery);
  }

  async close(): Promise<void> {
    this.#closing ??= Promise.all(this.#running).then(this.#leave);
    await this.#closing;
  }
}
