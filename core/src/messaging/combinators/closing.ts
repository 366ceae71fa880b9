import type { Publisher } from '../../publisher.ts';

/** Closes the publishers behind one by the deadline that its own `close` was given. */
export class Closing {
  #deadlineAt: number | undefined;

  by(deadlineMs: number | undefined): void {
    if (deadlineMs !== undefined) this.#deadlineAt = performance.now() + deadlineMs;
  }

  /** @throws what the first of them failed with, once all have settled */
  async close(publishers: readonly Publisher[]): Promise<void> {
    const left = this.#deadlineAt === undefined ? undefined : Math.max(0, this.#deadlineAt - performance.now());
    const options = left === undefined ? {} : { deadlineMs: left };
    const closed = await Promise.allSettled(publishers.map((publisher) => publisher.close(options)));
    const failed = closed.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
