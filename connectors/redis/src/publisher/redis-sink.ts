import type { Encoded, Refusal, Sink } from '@millrace/core';
import type { RedisAddress } from '../address.ts';
import { connect, type RedisConnection, unlessLost } from '../connection.ts';
import { isReply, redisError } from '../errors.ts';

/** Name in lower case, and its arguments. */
export type Command = readonly [name: string, ...words: (string | number | Buffer)[]];

/** What a command of a publisher needs, and the command. */
export interface EncodedCommand extends Encoded {
  readonly command: Command;
}

export async function connectSink(address: RedisAddress, signal: AbortSignal): Promise<Sink<EncodedCommand>> {
  // A timer for every command costs as much as the command: the sink has one per batch.
  return new RedisSink(address, await connect(address, { signal, commandTimeoutMs: 0 }));
}

/** Sends a batch as one pipeline; to a Cluster, whose keys lie on several nodes, all its commands at once. */
class RedisSink implements Sink<EncodedCommand> {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;

  constructor(address: RedisAddress, connection: RedisConnection) {
    this.#address = address;
    this.#connection = connection;
  }

  async send(messages: readonly EncodedCommand[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const timer = setTimeout(() => this.#connection.close(), this.#address.commandTimeout);
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
    if (client.isCluster) {
      const answers = await Promise.allSettled(
        messages.map(({ command: [name, ...words] }) => client.call(name, words)),
      );
      return answers.map((answer) => (answer.status === 'rejected' ? answer.reason : null));
    }
    const pipeline = client.pipeline(messages.map(({ command }) => command as unknown as unknown[]));
    return ((await pipeline.exec()) ?? []).map(([error]) => error);
  }
}
