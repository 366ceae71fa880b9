import type { Redis } from 'ioredis';
import type { RedisConnection } from '../connection.ts';

const LOOKS_PER_TIMEOUT = 3;

/**
 * Closes a connection from which nothing comes any more. Who only listens never learns by itself that packets are lost,
 * or that the other machine is gone: it would wait for ever.
 */
export class Heartbeat {
  readonly #connection: RedisConnection;
  readonly #client: Redis;
  readonly #timeoutMs: number;
  readonly #timer: NodeJS.Timeout;
  #bytesRead = 0;
  #isAsked = false;

  /** @param timeoutMs the connection is lost when no byte has come for so long; before that the server is asked for one */
  constructor(connection: RedisConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#client = connection.client as Redis;
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => this.#look(), timeoutMs / LOOKS_PER_TIMEOUT).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#hasHeard()) {
      this.#isAsked = false;
    } else if (this.#isAsked) {
      // After a long pause of this process the answer may lie there unread.
      setImmediate(() => {
        if (!this.#hasHeard()) this.#connection.close(`nothing came within ${this.#timeoutMs} ms, not even to a PING`);
      });
    } else {
      this.#isAsked = true;
      // An error is an answer, too, and a lost connection is told to all.
      this.#client.ping().catch(() => undefined);
    }
  }

  #hasHeard(): boolean {
    const { stream } = this.#client;
    // Where we do not read there is nothing to be heard.
    const hasHeard = stream.isPaused() || stream.bytesRead > this.#bytesRead;
    this.#bytesRead = stream.bytesRead;
    return hasHeard;
  }
}
