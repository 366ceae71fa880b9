import { hasCode, MillraceError } from '@millrace/core';

import type { RedisAddress } from './address.ts';
import type { RedisClient } from './connection.ts';
import { Link, type LinkOptions } from './link.ts';

export interface BoundedLinkOptions extends LinkOptions {
  /** How long work is tried again while Redis is away, milliseconds. */
  readonly timeoutMs: number;
  /** What is thrown once it is closed. */
  readonly closedError: () => MillraceError;
}

/** A connection for work that may be done twice, tried again for a bounded time, and closed once all of it is done. */
export class BoundedLink {
  readonly #link: Link;
  readonly #options: BoundedLinkOptions;
  #running = 0;
  /** Called when nothing is under way any more. */
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(address: RedisAddress, options: BoundedLinkOptions) {
    this.#link = new Link(address, options);
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  assertOpen(): void {
    if (this.closed) throw this.#options.closedError();
  }

  /** @throws UNAVAILABLE when Redis stayed away for too long; else what `work` fails with for good */
  async run<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    this.#enter();
    try {
      return await this.#link.once(work);
    } catch (error) {
      // Timers are made for the rare case only.
      if (!hasCode(error, 'UNAVAILABLE')) throw error;
      return await this.#again(work, error);
    } finally {
      this.#leave();
    }
  }

  /**
   * Waits for a connection as `run` does, but does the work only once, because it must not be done twice.
   *
   * @throws UNAVAILABLE when Redis stayed away, or the connection was lost: then the work may have been done
   */
  async runOnce<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    this.#enter();
    try {
      await this.run(() => Promise.resolve());
      return await this.#link.once(work);
    } finally {
      this.#leave();
    }
  }

  /** Refuses new work, and resolves when what is under way has settled and the connection is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#link.close();
  }

  #enter(): void {
    this.assertOpen();
    this.#running++;
  }

  #leave(): void {
    if (--this.#running === 0) this.#idle?.();
  }

  async #again<T>(work: (client: RedisClient) => Promise<T>, first: MillraceError): Promise<T> {
    const { timeoutMs } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#link.run(work, timeout);
    } catch (error) {
      if (!hasCode(error, 'CANCELLED')) throw error;
      const message = `${first.message} (tried for ${timeoutMs} ms)`;
      throw new MillraceError('UNAVAILABLE', message, { ...first.details, cause: first });
    }
  }
}
