import type { FlushGroup } from './outbox.ts';

/** Lets `flush` wait for exactly the messages that were there when it was called, whatever order they are sent in. */
export class FlushGroups {
  #current: FlushGroup = { pending: 0, done: undefined };
  /** Of earlier calls, not settled yet. */
  readonly #earlier = new Map<FlushGroup, Promise<void>>();

  enter(): FlushGroup {
    this.#current.pending++;
    return this.#current;
  }

  leave(group: FlushGroup): void {
    if (--group.pending === 0 && group.done !== undefined) {
      this.#earlier.delete(group);
      group.done();
    }
  }

  /** Resolves when all that have entered until now have left. */
  async settled(): Promise<void> {
    const group = this.#current;
    if (group.pending > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      group.done = resolve;
      this.#earlier.set(group, promise);
      this.#current = { pending: 0, done: undefined };
    }
    await Promise.all(this.#earlier.values());
  }
}
