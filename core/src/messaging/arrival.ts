/** Lets a source's `receive` wait until something has arrived. One waits at a time. */
export class Arrival {
  #tell: (() => void) | undefined;

  /** Something has arrived. */
  tell(): void {
    const tell = this.#tell;
    // Telling a second time costs as much as the first.
    this.#tell = undefined;
    tell?.();
  }

  /** Resolves at the next `tell`, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const told = (): void => resolve();
    this.#tell = told;
    signal.addEventListener('abort', told, { once: true });
    await promise;
    signal.removeEventListener('abort', told);
    this.#tell = undefined;
  }
}
