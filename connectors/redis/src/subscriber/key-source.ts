import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Received, Source } from '@millrace/core';
import type { Cluster, Redis } from 'ioredis';
import type { RedisAddress } from '../address.ts';
import { connect, type RedisConnection } from '../connection.ts';
import { isReply, redisError } from '../errors.ts';
import { Script } from '../script.ts';

export interface KeySourceOptions {
  readonly prefix: string;
  readonly keyPattern: string;
  readonly deleteOnRead: boolean;
  /** Milliseconds. */
  readonly pollInterval: number;
  readonly scanCount: number;
  /** Key -> digest of the value that was delivered last. */
  readonly seen: Map<string, string>;
}

/** Keys: key. Values: what was delivered. */
const DELETE_UNCHANGED = new Script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`);

interface Token {
  readonly name: string;
  readonly body: Buffer;
}

/** Looks at all keys, step by step, and starts over after a wait. */
export class KeySource implements Source {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;
  readonly #options: KeySourceOptions;
  /** Present only where a message can be told to be done. */
  readonly acknowledge?: (received: readonly Received[]) => Promise<void>;
  #servers: readonly Redis[];
  #server = 0;
  #cursor = '0';
  /** Found in this round, to forget the keys that are gone. */
  #found = new Set<string>();
  #pending: Received[] = [];

  private constructor(address: RedisAddress, connection: RedisConnection, options: KeySourceOptions) {
    this.#address = address;
    this.#connection = connection;
    this.#options = options;
    this.#servers = this.#masters();
    // Nothing of it has been acknowledged, so it comes again.
    if (options.deleteOnRead) {
      options.seen.clear();
      this.acknowledge = (received) => this.#delete(received);
    }
  }

  static async connect(address: RedisAddress, options: KeySourceOptions, signal: AbortSignal): Promise<Source> {
    return new KeySource(address, await connect(address, { signal }), options);
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    while (this.#pending.length === 0 && !signal.aborted) {
      if (await this.#step()) continue;
      await sleep(this.#options.pollInterval, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      break;
    }
    const received = this.#pending.slice(0, max);
    this.#pending = this.#pending.slice(max);
    return received;
  }

  close(): Promise<void> {
    // Found and not given away: the next connection has to find them again.
    for (const { token } of this.#pending) this.#options.seen.delete((token as Token).name);
    if (!this.#connection.lost.aborted) this.#connection.close();
    return Promise.resolve();
  }

  /** @returns false when all keys have been looked at */
  async #step(): Promise<boolean> {
    const { prefix, keyPattern, scanCount, seen } = this.#options;
    const server = this.#servers[this.#server];
    if (server === undefined) {
      for (const name of seen.keys()) if (!this.#found.has(name)) seen.delete(name);
      this.#found = new Set();
      this.#server = 0;
      this.#servers = this.#masters();
      return false;
    }
    const [cursor, names] = await this.#do(() =>
      server.scan(this.#cursor, 'MATCH', literal(prefix) + keyPattern, 'COUNT', scanCount, 'TYPE', 'string'),
    );
    this.#cursor = cursor;
    if (cursor === '0') this.#server++;
    const values = await this.#do(() => this.#values(names));
    for (const [i, body] of values.entries()) {
      if (body === null) continue;
      const name = names[i]!;
      this.#found.add(name);
      const digest = hash('sha1', body, 'base64');
      if (seen.get(name) === digest) continue;
      seen.set(name, digest);
      this.#pending.push({ key: name.slice(prefix.length), body, token: { name, body } satisfies Token });
    }
    return true;
  }

  #values(names: readonly string[]): Promise<(Buffer | null)[]> {
    if (names.length === 0) return Promise.resolve([]);
    const { client } = this.#connection;
    if (!client.isCluster) return client.mgetBuffer(...names);
    return Promise.all(
      names.map((name) =>
        client.getBuffer(name).catch((error: unknown) => {
          // No longer a string.
          if (isReply(error) && (error as Error).message.startsWith('WRONGTYPE')) return null;
          throw error;
        }),
      ),
    );
  }

  async #delete(received: readonly Received[]): Promise<void> {
    await this.#do(() =>
      Promise.all(
        received.map(async ({ token }) => {
          const { name, body } = token as Token;
          const deleted = await DELETE_UNCHANGED.run(this.#connection.client, [name], [body]);
          // The same value set again is a new message.
          if (deleted === 1) this.#options.seen.delete(name);
        }),
      ),
    );
  }

  #masters(): readonly Redis[] {
    const { client } = this.#connection;
    return client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw redisError(error, this.#address);
    }
  }
}

/** As a part of a pattern that means itself. */
const literal = (text: string): string => text.replaceAll(/[*?[\]\\]/g, '\\$&');
