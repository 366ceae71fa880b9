import type { Encoded, Refusal, Sink } from '@millrace/core';
import type { Cluster, Redis } from 'ioredis';
import type { RedisAddress } from '../address.ts';
import { connect, type ConnectOptions, type RedisClient, type RedisConnection, unlessLost } from '../connection.ts';
import { isReply, redisError } from '../errors.ts';
import { Script } from '../script.ts';

/** Name in lower case, and its arguments. */
export type Command = readonly [name: string, ...words: (string | number | Buffer)[]];

/** What a command of a publisher needs, and the command. */
export interface EncodedCommand extends Encoded {
  readonly command: Command;
}

/** So few are cheaper as commands of their own. */
const FEW = 4;

const PUBLISH_ALL = new Script(`for i = 2, #ARGV do redis.call('PUBLISH', ARGV[1], ARGV[i]) end`);

/** @param make makes its connection; default: as the address says */
export async function connectSink(
  address: RedisAddress,
  signal: AbortSignal,
  make = (options: ConnectOptions): Promise<RedisConnection> => connect(address, options),
): Promise<Sink<EncodedCommand>> {
  // A timer for every command costs as much as the command: the sink has one per batch.
  return new RedisSink(address, await make({ signal, commandTimeoutMs: 0 }));
}

/** Sends a batch at once; to a Cluster, whose keys lie on several nodes, each of its commands by itself. */
class RedisSink implements Sink<EncodedCommand> {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;
  /** Until this user turns out not to be allowed to. */
  #mayScript = true;

  constructor(address: RedisAddress, connection: RedisConnection) {
    this.#address = address;
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
    if (isCluster(client)) {
      const answers = await Promise.allSettled(
        messages.map(({ command: [name, ...words] }) => client.call(name, words)),
      );
      return answers.map((answer) => (answer.status === 'rejected' ? answer.reason : null));
    }
    if (await this.#setTogether(client, messages)) return [];
    if (await this.#publishTogether(client, messages)) return [];
    const pipeline = client.pipeline(messages.map(({ command }) => command as unknown as unknown[]));
    return ((await pipeline.exec()) ?? []).map(([error]) => error);
  }

  /** Plain `SET`s as one `MSET`, which costs a fraction. @returns false when each one has to be sent by itself */
  async #setTogether(client: Redis, messages: readonly EncodedCommand[]): Promise<boolean> {
    const words: (string | number | Buffer)[] = [];
    for (const { command } of messages) {
      if (command[0] !== 'set' || command.length !== 3) return false;
      words.push(command[1]!, command[2]!);
    }
    try {
      await client.mset(words);
      return true;
    } catch (error) {
      // Refused as a whole for one of them, say a key that this user may not write: nothing was set.
      if (isReply(error)) return false;
      throw error;
    }
  }

  /** Messages for one channel as one call, for the same reason. @returns false when each one has to be sent by itself */
  async #publishTogether(client: Redis, messages: readonly EncodedCommand[]): Promise<boolean> {
    if (!this.#mayScript || messages.length < FEW) return false;
    const channel = messages[0]!.command[1]!;
    const words: (string | number | Buffer)[] = [channel];
    for (const { command } of messages) {
      if (command[0] !== 'publish' || command[1] !== channel) return false;
      words.push(command[2]!);
    }
    try {
      await PUBLISH_ALL.run(client, [], words);
      return true;
    } catch (error) {
      // Refused before anything was passed on: scripts, or the channel.
      if (!isReply(error)) throw error;
      this.#mayScript = false;
      return false;
    }
  }
}

const isCluster = (client: RedisClient): client is Cluster => client.isCluster;
