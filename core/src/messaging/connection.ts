import { MillraceError, toMillraceError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Logger } from '../logging.ts';
import { BackOff } from './back-off.ts';
import type { BackOffOptions } from './back-off.ts';
import { pause } from './pause.ts';

export interface ConnectionOptions<T> {
  readonly connect: (signal: AbortSignal) => Promise<T>;
  readonly backOff: BackOffOptions;
  /** In log lines: `publisher "orders"`. */
  readonly who: string;
  readonly display: string;
  readonly logger: Logger | undefined;
}

/** Holds at most one connection at a time, and makes a new one when asked after it failed. */
export class Connection<T extends { close(): Promise<void> }> {
  readonly #options: ConnectionOptions<T>;
  readonly #backOff: BackOff;
  readonly #ended = new AbortController();
  #current: T | undefined;
  #made = 0;
  /** Failed attempts, to connect or with a connection. */
  failures = 0;
  lastError: MillraceError | undefined;
  /** Milliseconds of the process's own clock. */
  lastErrorAt = 0;
  /** Of the failure that was told last, until something goes through. */
  #told: ErrorCode | undefined;

  constructor(options: ConnectionOptions<T>) {
    this.#options = options;
    this.#backOff = new BackOff(options.backOff);
  }

  get connected(): boolean {
    return this.#current !== undefined;
  }

  /** Whether this is the connection there is. */
  holds(connection: T): boolean {
    return this.#current === connection;
  }

  get reconnects(): number {
    return Math.max(0, this.#made - 1);
  }

  get consecutiveFailures(): number {
    return this.#backOff.failures;
  }

  /** Aborts when the connection is ended for good. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** The first attempt. What is away is tried again later. @throws what no further attempt heals */
  async open(): Promise<void> {
    try {
      await this.get();
    } catch (cause) {
      const error = toConnectionError(cause);
      if (error.retry) {
        await this.failed(error);
        return;
      }
      // Whoever starts is told by that; a line in the log would say it twice.
      this.lastError = error;
      await this.close();
      throw error;
    }
  }

  /** The connection there is; the attempt to make one otherwise. */
  async get(): Promise<T> {
    if (this.#current !== undefined) return this.#current;
    this.signal.throwIfAborted();
    const made = await this.#options.connect(this.signal);
    if (this.signal.aborted) {
      await this.#release(made);
      this.signal.throwIfAborted();
    }
    if (this.#made++ > 0)
      this.#options.logger?.info({ url: this.#options.display }, `${this.#options.who}: connected again`);
    this.#current = made;
    return made;
  }

  /** Something went through: the next failure waits the shortest time again. */
  succeeded(): void {
    this.#backOff.succeeded();
    this.#told = undefined;
  }

  /** Takes note of a failure; one that a new connection may heal closes this one. Resolves with the error as ours. */
  async failed(cause: unknown): Promise<MillraceError> {
    const error = toConnectionError(cause);
    if (this.signal.aborted) return error;
    this.failures++;
    this.lastError = error;
    this.lastErrorAt = performance.now();
    this.#tell(error);
    if (error.retry) await this.#drop();
    return error;
  }

  /** Waits for the time of the next attempt, or until the end. */
  async pause(): Promise<void> {
    await pause(this.#backOff.next(), this.signal);
  }

  /** No further attempts; those under way are told. */
  end(): void {
    this.#ended.abort(new MillraceError('CANCELLED', `${this.#options.who} is closed`));
  }

  async close(): Promise<void> {
    this.end();
    await this.#drop();
  }

  /** One line per outage and one when it becomes another, not one per attempt. */
  #tell(error: MillraceError): void {
    if (error.code === this.#told) return;
    this.#told = error.code;
    const { logger, who, display } = this.#options;
    const place = who.includes(display) ? {} : { url: display };
    logger?.warn({ err: error, ...place }, `${who}: ${error.retry ? 'trying again' : 'refused'}`);
  }

  async #drop(): Promise<void> {
    const dropped = this.#current;
    this.#current = undefined;
    if (dropped !== undefined) await this.#release(dropped);
  }

  async #release(connection: T): Promise<void> {
    try {
      await connection.close();
    } catch (error) {
      // It is given up anyway; a broken connection often cannot be closed in order.
      this.#options.logger?.debug({ err: error }, `${this.#options.who}: closing the connection failed`);
    }
  }
}

/**
 * What a driver throws without a code of ours: an error of the operating system's network calls means that the target
 * cannot be reached now, anything else is a defect that a new attempt does not heal.
 */
export function toConnectionError(error: unknown): MillraceError {
  const ofSystem = error instanceof Error && 'syscall' in error;
  return toMillraceError(error, ofSystem ? 'UNAVAILABLE' : 'INTERNAL');
}
