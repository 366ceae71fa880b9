import { hasCode, MillraceError, toMillraceError, type ErrorCode, type Logger } from '@millrace/core';
import { isOutage, outageBackOff } from './outage.ts';
import { pause } from './pause.ts';

export interface OpenOptions {
  readonly logger: Logger;
  /** Ends the waiting at once. */
  readonly signal: AbortSignal;
}

type Openable = { close(): Promise<void> } | void;

/** A driver tries for some time before it fails; after so long without an answer, the waiting is told. */
const SLOW_MS = 2000;

/**
 * Opens a backend, and waits for it while it is away: parts of a platform start in any order. One line says what is waited
 * for, one more each time the reason is another, and one when it is there.
 *
 * @param what in log lines: `the log`
 * @throws CANCELLED as soon as the signal aborts; what `open` throws for any other reason
 */
export async function openWhenThere<T extends Openable>(
  what: string,
  open: () => Promise<T>,
  { logger, signal }: OpenOptions,
): Promise<T> {
  const backOff = outageBackOff();
  const notice = new Notice(what, logger);
  try {
    for (;;) {
      try {
        const opened = await unlessAborted(open(), signal, logger);
        notice.over();
        return opened;
      } catch (error) {
        if (signal.aborted) throw cancelled(what, error);
        if (!isOutage(error) && !isMissing(error)) throw error;
        notice.failed(toMillraceError(error));
        if (!(await pause(backOff.next(), signal))) throw cancelled(what, error);
      }
    }
  } finally {
    notice.end();
  }
}

/** A log that nobody has made yet: a processor may start before the first frontend, which makes it. */
const isMissing = (error: unknown): boolean => hasCode(error, 'NOT_RUNNING') || hasCode(error, 'NOT_FOUND');

const cancelled = (what: string, cause: unknown): MillraceError =>
  new MillraceError('CANCELLED', `stopped while ${what} was waited for`, { cause });

/** A driver may go on for seconds with what nobody wants any more: it is left alone, and what it opens is closed. */
async function unlessAborted<T extends Openable>(opening: Promise<T>, signal: AbortSignal, logger: Logger): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason);
    opening
      .then((late) => late?.close())
      .catch((error: unknown) => logger.debug({ err: error }, 'what was given up has failed'));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted, opening]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Tells what is waited for, each reason once. */
class Notice {
  readonly #what: string;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #told: ErrorCode | 'slow' | undefined;

  constructor(what: string, logger: Logger) {
    this.#what = what;
    this.#logger = logger;
    this.#timer = setTimeout(() => this.#slow(), SLOW_MS).unref();
  }

  failed(error: MillraceError): void {
    if (this.#told === error.code) return;
    this.#told = error.code;
    if (isMissing(error)) {
      const url = error.details.value;
      this.#logger.warn({ url }, `${this.#what} is not there yet: waiting for the first frontend, which makes it`);
    } else this.#logger.warn({ err: error }, `waiting for ${this.#what}`);
  }

  /** As loud as the line that it ends. */
  over(): void {
    if (this.#told !== undefined) this.#logger.warn(`${this.#what} is there`);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #slow(): void {
    if (this.#told !== undefined) return;
    this.#told = 'slow';
    this.#logger.warn(`waiting for ${this.#what}: it has not answered for ${SLOW_MS / 1000} s`);
  }
}
