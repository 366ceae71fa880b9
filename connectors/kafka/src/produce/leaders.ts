import { Admin } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from '../client-options.ts';

export interface LeadersOptions {
  readonly client: ClientOptions;
  readonly topic: string;
  /** Gets the leader of each partition, -1 for none. */
  readonly onLeaders: (leaders: readonly number[]) => void;
  /** Whether somebody still waits for a partition without a leader. */
  readonly isMissing: () => boolean;
}

/** Asks who leads the partitions, again and again while that is missing; one question at a time. */
export class Leaders {
  readonly #options: LeadersOptions;
  readonly #admin: Admin;
  #asking: Promise<void> | undefined;
  /** Asking, or waiting to ask. */
  #isBusy = false;
  /** In a row. */
  #failures = 0;
  #isClosed = false;

  constructor(options: LeadersOptions) {
    this.#options = options;
    this.#admin = new Admin({ ...options.client, retries: 0 });
  }

  ask(): void {
    if (this.#isBusy || this.#isClosed) return;
    this.#isBusy = true;
    this.#asking = this.#ask();
  }

  /** After a failure: longer and longer, until something succeeded. */
  askLater(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    setTimeout(
      () => {
        this.#isBusy = false;
        this.ask();
      },
      retryDelay(++this.#failures),
    );
  }

  succeeded(): void {
    this.#failures = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#admin.close();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { topic, onLeaders, isMissing } = this.#options;
    try {
      const { topics } = await this.#admin.metadata({ topics: [topic], forceUpdate: true });
      onLeaders(topics.get(topic)?.partitions.map(({ leader }) => leader) ?? []);
    } catch {
      // Whoever waits is told when the delivery timeout is over; until then it is asked again.
    }
    this.#isBusy = false;
    if (isMissing() && !this.#isClosed) this.askLater();
  }
}
