import {
  booleanOption,
  defineOptions,
  defineSource,
  type Received,
  type Source,
  type SourceConnector,
} from '@millrace/core';
import type { Redis } from 'ioredis';
import { AnyNode } from '../any-node.ts';
import { connectionOptions, type RedisAddress, redisAddress } from '../address.ts';
import type { RedisConnection } from '../connection.ts';
import { redisError } from '../errors.ts';
import { Heartbeat } from './heartbeat.ts';
import { requireName } from '../path.ts';

/** Above so many messages that wait, nothing more is read from the server, which drops us when it holds too much. */
const PAUSE_AT = 10_000;
const RESUME_AT = PAUSE_AT / 2;
const WAIT_MS = 200;

/** `redischannel://host/CHANNEL`: what is published while it is connected, and nothing else. */
export const channelSubscriber: SourceConnector = defineSource({
  options: defineOptions('redischannel', {
    ...connectionOptions,
    pattern: booleanOption({
      default: false,
      description: 'The channel is a pattern with `*`, `?` and `[...]`; the key of a message is its channel then',
    }),
  }),
  prepare: ({ url, text, display, values }) => {
    const channel = requireName(url, display, 'channel');
    const address = redisAddress(text, values);
    const node = new AnyNode(address);
    return {
      connect: async (signal) => {
        const source = new ChannelSource(address, await node.connect({ signal }));
        await source.subscribe(channel, values.pattern);
        return source;
      },
    };
  },
});

class ChannelSource implements Source {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;
  readonly #heartbeat: Heartbeat;
  /** Of one server, also on a Cluster. */
  readonly #client: Redis;
  #waiting: Received[] = [];
  #wake: (() => void) | undefined;

  constructor(address: RedisAddress, connection: RedisConnection) {
    this.#address = address;
    this.#connection = connection;
    this.#client = connection.client as Redis;
    this.#heartbeat = new Heartbeat(connection, address.commandTimeout);
  }

  async subscribe(channel: string, isPattern: boolean): Promise<void> {
    // Listens first: a message may follow the answer at once.
    if (isPattern) {
      this.#client.on('pmessageBuffer', (_pattern: Buffer, from: Buffer, body: Buffer) =>
        this.#arrived({ key: from.toString('utf8'), body }),
      );
    } else {
      this.#client.on('messageBuffer', (_from: Buffer, body: Buffer) => this.#arrived({ body }));
    }
    this.#connection.lost.addEventListener('abort', () => this.#wake?.());
    try {
      await (isPattern ? this.#client.psubscribe(channel) : this.#client.subscribe(channel));
    } catch (error) {
      this.#connection.close();
      throw redisError(error, this.#address);
    }
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#waiting.length === 0 && !signal.aborted) await this.#arrival(signal);
    if (this.#waiting.length === 0 && this.#connection.lost.aborted) throw this.#connection.lost.reason;
    const received = this.#waiting;
    if (received.length <= max) {
      this.#waiting = [];
      this.#client.stream.resume();
      return received;
    }
    this.#waiting = received.slice(max);
    if (this.#waiting.length <= RESUME_AT) this.#client.stream.resume();
    return received.slice(0, max);
  }

  close(): Promise<void> {
    this.#heartbeat.stop();
    if (!this.#connection.lost.aborted) this.#connection.close();
    return Promise.resolve();
  }

  #arrived(received: Received): void {
    this.#waiting.push(received);
    if (this.#waiting.length >= PAUSE_AT) this.#client.stream.pause();
    this.#wake?.();
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    if (this.#connection.lost.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, WAIT_MS);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
