import type { Encoded, Refusal, Sink } from '@millrace/core';
import type { Cluster } from 'ioredis';
import type { RedisAddress } from '../address.ts';
import { connect, type ConnectOptions, type RedisClient, type RedisConnection, unlessLost } from '../connection.ts';
import { isReply, redisError } from '../errors.ts';

export type Word = string | number;

/** Name in lower case, and its arguments. */
export type Command = readonly [name: string, ...words: Word[]];

/** What a command of a publisher needs, and the command. */
export interface EncodedCommand extends Encoded {
  readonly command: Command;
}

/** So few are cheaper as commands of their own than as a script. */
export const FEW = 4;

/**
 * A way to send a whole batch as one call, which costs a fraction: Redis takes all of it or nothing. Undefined where these
 * messages cannot go as one.
 */
export type Together = (client: RedisClient, commands: readonly Command[]) => Promise<unknown> | undefined;

/** @param make makes its connection; default: as the address says */
export async function connectSink(
  address: RedisAddress,
  together: Together,
  signal: AbortSignal,
  make = (options: ConnectOptions): Promise<RedisConnection> => connect(address, options),
): Promise<Sink<EncodedCommand>> {
  // A timer for every command costs as much as the command: the sink has one per batch.
  return new RedisSink(address, together, await make({ signal, commandTimeoutMs: 0 }));
}

/** Sends a batch as one call where that can be, else as one pipeline; to the nodes of a Cluster, each command by itself. */
class RedisSink implements Sink<EncodedCommand> {
  readonly #address: RedisAddress;
  readonly #together: Together;
  readonly #connection: RedisConnection;
  /** Until this user turns out not to be allowed to. */
  #mayTogether = true;

  constructor(address: RedisAddress, together: Together, connection: RedisConnection) {
    this.#address = address;
    this.#together = together;
    this.#connection = connection;
  }

  async send(messages: readonly EncodedCommand[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const { commandTimeout } = this.#address;
    const timer = setTimeout(() => this.#connection.close(`no answer within ${commandTimeout} ms`), commandTimeout);
    const failures = await unlessLost(this.#connection.lost, this.#failures(messages)).finally(() =>
      clearTimeout(timer),
    );
    for (let index = 0; index < failures.length; index++) {
      const cause = failures[index];
      if (cause === null) continue;
      const error = redisError(cause, this.#address);
      // What went through before it is repeated with the rest, in order.
      if (!isReply(cause) || error.retry) throw error;
      refusals.push({ index, error });
    }
    return refusals;
  }

  close(): Promise<void> {
    if (!this.#connection.lost.aborted) this.#connection.close();
    return Promise.resolve();
  }

  /** Per message, why it failed; null where it did not. */
  async #failures(messages: readonly EncodedCommand[]): Promise<unknown[]> {
    const { client } = this.#connection;
    const commands = messages.map(({ command }) => command);
    if (await this.#sentTogether(client, commands)) return [];
    if (isCluster(client)) {
      const answers = await Promise.allSettled(commands.map(([name, ...words]) => client.call(name, words)));
      return answers.map((answer) => (answer.status === 'rejected' ? answer.reason : null));
    }
    const pipeline = client.pipeline(commands as unknown as unknown[][]);
    return ((await pipeline.exec()) ?? []).map(([error]) => error);
  }

  /** False when each one has to be sent by itself: nothing was taken. */
  async #sentTogether(client: RedisClient, commands: readonly Command[]): Promise<boolean> {
    const sent = this.#mayTogether ? this.#together(client, commands) : undefined;
    if (sent === undefined) return false;
    try {
      await sent;
      return true;
    } catch (error) {
      // Also refused for one of them, say a key of another type: by itself, each is told what it was.
      if (!isReply(error)) throw error;
      if (NOT_ALLOWED.test((error as Error).message)) this.#mayTogether = false;
      return false;
    }
  }
}

/** By the rights of this user, or by a server where the command has been taken away. */
const NOT_ALLOWED = /^NOPERM .* to run the |^ERR unknown command/;

const isCluster = (client: RedisClient): client is Cluster => client.isCluster;
