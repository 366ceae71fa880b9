/** Hands what several fetchers found to one taker; a fetcher goes on once its find is taken. */
export class Mailbox<T> {
  #items: T[] = [];
  #onTaken: (() => void)[] = [];
  #onItem: (() => void) | undefined;
  #end: { readonly error: unknown } | undefined;

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves when they are taken, or nothing will be taken any more. */
  async put(items: readonly T[]): Promise<void> {
    if (this.#end !== undefined) return;
    this.#items.push(...items);
    await new Promise<void>((resolve) => {
      this.#onTaken.push(resolve);
      this.#onItem?.();
    });
  }

  /** All that was put, at least one; undefined after `end`. @throws what `fail` said, once all is taken */
  async take(): Promise<T[] | undefined> {
    while (this.#items.length === 0) {
      if (this.#end !== undefined) {
        if (this.#end.error === undefined) return undefined;
        throw this.#end.error;
      }
      await new Promise<void>((resolve) => {
        this.#onItem = resolve;
      });
    }
    const items = this.#items;
    this.#items = [];
    this.#release();
    return items;
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#onItem?.();
    this.#release();
  }

  end(): void {
    this.fail(undefined);
  }

  #release(): void {
    const waiting = this.#onTaken;
    this.#onTaken = [];
    for (const resolve of waiting) resolve();
  }
}
