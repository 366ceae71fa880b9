import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, MillraceError } from '@millrace/core';
import type { RedisAddress } from './address.ts';
import { connect, type RedisClient, type RedisConnection, unlessLost } from './connection.ts';
import { redisError } from './errors.ts';

const PAUSE_MS = { first: 10, longest: 500 };

export interface LinkOptions {
  /** Longest wait for an answer, milliseconds; 0: none, for blocking commands. Default: as the address says. */
  readonly commandTimeoutMs?: number;
  /** Is told of every loss, with how long to wait for the next try. */
  readonly onLost?: (error: MillraceError) => void;
}

/** A connection that comes back by itself, for work that may be done twice. */
export class Link {
  readonly #address: RedisAddress;
  readonly #options: LinkOptions;
  readonly #closed = new AbortController();
  #connection: Promise<RedisConnection> | undefined;

  constructor(address: RedisAddress, options: LinkOptions = {}) {
    this.#address = address;
    this.#options = options;
  }

  /**
   * Does the work, again and again while Redis is away or cannot serve it now, with pauses up to 500 ms.
   *
   * @throws CANCELLED when the signal aborts or the link is closed; otherwise what is not UNAVAILABLE
   */
  async run<T>(work: (client: RedisClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const ended = signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, signal]);
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
      if (ended.aborted) throw cancelled();
      try {
        return await this.once(work);
      } catch (error) {
        if (ended.aborted) throw cancelled();
        if (!hasCode(error, 'UNAVAILABLE')) throw error;
        // Not all processes at the same moment.
        await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: ended }).catch(() => {
          throw cancelled();
        });
      }
    }
  }

  /** Does the work on the connection there is, or on a new one. @throws UNAVAILABLE and whatever else it fails with */
  async once<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    try {
      return await unlessLost(connection.lost, work(connection.client));
    } catch (error) {
      const failure = redisError(error, this.#address);
      // Also one that is open and does not answer, or leads to a server that is no longer the master.
      if (failure.code === 'UNAVAILABLE' && !connection.lost.aborted) connection.close();
      throw failure;
    }
  }

  /** At once: what is under way is rejected. */
  async close(): Promise<void> {
    this.#closed.abort();
    const connection = await this.#connection?.catch(() => undefined);
    connection?.close();
  }

  #connect(): Promise<RedisConnection> {
    if (this.#closed.signal.aborted) return Promise.reject(cancelled());
    if (this.#connection !== undefined) return this.#connection;
    const { commandTimeoutMs } = this.#options;
    const connection = connect(this.#address, {
      signal: this.#closed.signal,
      ...(commandTimeoutMs === undefined ? {} : { commandTimeoutMs }),
    });
    this.#connection = connection;
    void this.#watch(connection);
    return connection;
  }

  /** Forgets the connection when it is lost, or cannot be made: whoever asked for it is told why. */
  async #watch(connection: Promise<RedisConnection>): Promise<void> {
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    try {
      const { lost } = await connection;
      lost.addEventListener('abort', () => {
        forget();
        if (!this.#closed.signal.aborted) this.#options.onLost?.(lost.reason as MillraceError);
      });
      if (lost.aborted) forget();
    } catch {
      forget();
    }
  }
}

const cancelled = (): MillraceError => new MillraceError('CANCELLED', 'the connection to Redis is closed');
