import { createHash } from 'node:crypto';

import { isReply } from './errors.ts';
import type { RedisClient } from './connection.ts';

/** A Lua script, sent by its digest: only a server that does not know it, after a restart say, gets the source. */
export class Script {
  readonly #source: string;
  readonly #digest: string;

  constructor(source: string) {
    this.#source = source;
    this.#digest = createHash('sha1').update(source).digest('hex');
  }

  /** All keys have to lie in one slot of a Cluster. @throws what the driver rejects with */
  run(client: RedisClient, keys: readonly string[], values: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#run(
      () => client.call('evalsha', [this.#digest, keys.length, ...keys, ...values]),
      () => client.call('eval', [this.#source, keys.length, ...keys, ...values]),
    );
  }

  /** The same, with every text of the answer as bytes. */
  runBuffer(
    client: RedisClient,
    keys: readonly string[],
    values: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#run(
      () => client.callBuffer('evalsha', [this.#digest, keys.length, ...keys, ...values]),
      () => client.callBuffer('eval', [this.#source, keys.length, ...keys, ...values]),
    );
  }

  async #run(byDigest: () => Promise<unknown>, bySource: () => Promise<unknown>): Promise<unknown> {
    try {
      return await byDigest();
    } catch (error) {
      if (!isReply(error) || !(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return bySource();
    }
  }
}
