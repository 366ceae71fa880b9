export interface BackOffOptions {
  /** Wait after the first failure, milliseconds. */
  readonly firstMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
  /** From 0 to below 1. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Waits between attempts: doubled after each failure up to a cap, and each between half and the whole of that, so that
 * many clients of one broker do not come back at the same moment.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** How long to wait now that an attempt has failed, milliseconds. */
  next(): number {
    const { firstMs, maxMs, random = Math.random } = this.#options;
    const whole = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return whole * (0.5 + random() * 0.5);
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
