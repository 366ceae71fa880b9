import { toMillraceError, type ErrorCode } from './errors.ts';

/** What is said of a failure that goes on. */
export interface OngoingFailureOptions {
  /** A pino logger fits. */
  readonly logger: { warn(details: object, message: string): void };
  readonly failing: string;
  readonly over: string;
}

/**
 * For what is tried over and over: a line when it begins to fail, or fails in another way, and one when it is over, with the
 * number of failures. A line for each would bury all others.
 *
 * @example
 * const failure = new OngoingFailure({ logger, failing: 'the log cannot be read', over: 'the log can be read again' });
 * failure.failed(error);   // warn: the log cannot be read
 * failure.failed(error);   // nothing
 * failure.succeeded();     // warn, as loud as the line that it ends: the log can be read again, failures: 2
 */
export class OngoingFailure {
  readonly #options: OngoingFailureOptions;
  /** What has been told. A set, because some fail in two ways in turn. */
  readonly #told = new Set<ErrorCode>();
  #failures = 0;

  constructor(options: OngoingFailureOptions) {
    this.#options = options;
  }

  failed(cause: unknown): void {
    this.#failures++;
    const { code } = toMillraceError(cause);
    if (this.#told.has(code)) return;
    this.#told.add(code);
    const { logger, failing } = this.#options;
    logger.warn({ err: cause }, failing);
  }

  succeeded(): void {
    if (this.#failures === 0) return;
    const { logger, over } = this.#options;
    logger.warn({ failures: this.#failures }, over);
    this.#told.clear();
    this.#failures = 0;
  }
}
