/**
 * Runs steps one after the other, in the order of the calls. A step that fails does not keep the next one back.
 *
 * @example
 * const steps = new SerialSteps();
 * const [first, second] = [steps.run(() => commit(a)), steps.run(() => commit(b))];
 * await steps.settled();
 */
export class SerialSteps {
  #tail: Promise<unknown> = Promise.resolve();

  /** Resolves and rejects as the step does. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(step);
    // The rejection is the caller's.
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all steps have ended, also those that were put behind them meanwhile. */
  async settled(): Promise<void> {
    for (let tail: unknown; tail !== this.#tail;) {
      tail = this.#tail;
      await tail;
    }
  }
}
