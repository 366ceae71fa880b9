import { MillraceError, type Received, type Source } from '@millrace/core';
import type { RedisAddress } from '../address.ts';
import { connect, type RedisClient, type RedisConnection, unlessLost } from '../connection.ts';
import { isReply, redisError } from '../errors.ts';
import { receivedFrom, type StreamEntry } from './stream-fields.ts';
import type { StreamPlace } from './stream-place.ts';
import { FORGET, RENEW, TRIM } from './stream-scripts.ts';

export interface StreamSourceOptions {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Whether the application has chosen the consumer's name, and may use it again. */
  readonly isNamed: boolean;
  /** Of a new group. */
  readonly from: StreamPlace;
  /** Milliseconds. */
  readonly claimIdle: number;
  readonly trimAcknowledged: boolean;
}

/** How long one command waits for new entries. */
const BLOCK_MS = 200;
const TRIM_EVERY_MS = 1000;
/** So many entries are renewed by one call. */
const RENEW_MAX = 1000;

async function makeGroup(client: RedisClient, { stream, group, from }: StreamSourceOptions): Promise<void> {
  try {
    await client.xgroup('CREATE', stream, group, from === 'latest' ? '$' : from.after, 'MKSTREAM');
  } catch (error) {
    if (!isReply(error) || !(error as Error).message.startsWith('BUSYGROUP')) throw error;
  }
}

/** A consumer, connected. */
export class StreamSource implements Source {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;
  /** For the command that waits for new entries: whatever else is sent there would wait with it. */
  readonly #waiting: RedisConnection;
  /** Aborts when either of the two is lost. */
  readonly #lost: AbortSignal;
  readonly #options: StreamSourceOptions;
  /** Received over this connection and not acknowledged: it is not to be claimed from ourselves. */
  readonly #open = new Set<string>();
  /** Of our own entries from before this connection, the last one read; undefined when there are no more. */
  #own: string | undefined = '0-0';
  #claimCursor = '0-0';
  #claimAt = 0;
  #trimAt = 0;

  private constructor(
    address: RedisAddress,
    connection: RedisConnection,
    waiting: RedisConnection,
    options: StreamSourceOptions,
  ) {
    this.#address = address;
    this.#connection = connection;
    this.#waiting = waiting;
    this.#lost = AbortSignal.any([connection.lost, waiting.lost]);
    this.#options = options;
  }

  /** Connects, and makes the group where there is none. */
  static async connect(address: RedisAddress, options: StreamSourceOptions, signal: AbortSignal): Promise<Source> {
    const connection = await connect(address, { signal });
    try {
      await makeGroup(connection.client, options);
      return new StreamSource(address, connection, await connect(address, { signal }), options);
    } catch (error) {
      connection.close();
      throw redisError(error, address);
    }
  }

  /** Whoever is alive keeps what it holds, however long it takes: only those not heard of are claimed from. */
  get renewal(): NonNullable<Source['renewal']> {
    return { everyMs: this.#options.claimIdle / 4, renew: () => this.#renew() };
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (signal.aborted) return [];
    return this.#do(async (client) => {
      if (this.#own !== undefined) {
        const entries = await this.#read(client, max, this.#own);
        this.#own = entries.at(-1)?.[0].toString('latin1');
        if (entries.length > 0) return this.#take(client, entries);
      }
      if (performance.now() >= this.#claimAt) {
        const claimed = await this.#claim(client, max);
        if (claimed.length > 0) return claimed;
      }
      // Also what was acknowledged last, with nothing after it, or by another group.
      await this.#trim(client);
      return this.#take(client, await this.#read(this.#waiting.client, max, '>'));
    });
  }

  async acknowledge(received: readonly Received[]): Promise<void> {
    const { stream, group } = this.#options;
    const ids = received.map(({ token }) => token as string);
    await this.#do((client) => client.xack(stream, group, ...ids));
    for (const id of ids) this.#open.delete(id);
    await this.#do((client) => this.#trim(client));
  }

  async close(): Promise<void> {
    const { stream, group, consumer, isNamed, claimIdle } = this.#options;
    try {
      // A name that nobody chose will not come back: others need not wait until what it holds has become idle.
      if (!isNamed && !this.#lost.aborted) {
        await this.#renew(claimIdle);
        await this.#do((client) => FORGET.run(client, [stream], [group, consumer]));
      }
    } finally {
      this.#disconnect();
    }
  }

  #disconnect(): void {
    for (const connection of [this.#connection, this.#waiting]) if (!connection.lost.aborted) connection.close();
  }

  /** Makes all that we hold look as if it had been received so many milliseconds ago. */
  async #renew(idleMs = 0): Promise<void> {
    const { stream, group, consumer } = this.#options;
    let last: unknown;
    let from = '-';
    do {
      const values = [group, consumer, from, RENEW_MAX, idleMs];
      last = await this.#do((client) => RENEW.run(client, [stream], values));
      from = `(${last as string}`;
    } while (last !== null);
  }

  async #read(client: RedisClient, max: number, after: string): Promise<readonly StreamEntry[]> {
    const { stream, group, consumer } = this.#options;
    const block = after === '>' ? ['BLOCK', BLOCK_MS] : [];
    const words = ['GROUP', group, consumer, 'COUNT', max, ...block, 'STREAMS', stream, after];
    const answer = await groupReader(client).xreadgroupBuffer(...words);
    return answer?.[0]?.[1] ?? [];
  }

  /** Entries of consumers that have not been heard of for long. */
  async #claim(client: RedisClient, max: number): Promise<readonly Received[]> {
    const { stream, group, consumer, claimIdle } = this.#options;
    const words = [stream, group, consumer, claimIdle, this.#claimCursor, 'COUNT', max] as const;
    const [cursor, entries] = await groupReader(client).xautoclaimBuffer(...words);
    this.#claimCursor = cursor.toString('latin1');
    // Once through: the next time when something may have become idle.
    if (this.#claimCursor === '0-0') this.#claimAt = performance.now() + claimIdle / 2;
    return this.#take(
      client,
      entries.filter(([id]) => !this.#open.has(id.toString('latin1'))),
    );
  }

  async #trim(client: RedisClient): Promise<void> {
    const { stream, trimAcknowledged } = this.#options;
    if (!trimAcknowledged || performance.now() < this.#trimAt) return;
    this.#trimAt = performance.now() + TRIM_EVERY_MS;
    await TRIM.run(client, [stream], []);
  }

  async #take(client: RedisClient, entries: readonly StreamEntry[]): Promise<readonly Received[]> {
    const received: Received[] = [];
    const deleted: string[] = [];
    for (const [idBytes, fields] of entries) {
      const id = idBytes.toString('latin1');
      if (fields === null) {
        deleted.push(id);
        continue;
      }
      this.#open.add(id);
      received.push(receivedFrom(id, fields));
    }
    // Trimmed before they were acknowledged: there is nothing left to wait for.
    if (deleted.length > 0) await client.xack(this.#options.stream, this.#options.group, ...deleted);
    return received;
  }

  async #do<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await unlessLost(this.#lost, work(this.#connection.client));
    } catch (error) {
      // One that does not answer would not do so at the close either, which would wait as long again.
      if (!isReply(error)) this.#disconnect();
      // The stream was deleted, or a server without persistence has restarted: connecting makes the group again.
      if (isReply(error) && (error as Error).message.startsWith('NOGROUP')) {
        throw new MillraceError('UNAVAILABLE', `the consumer group is gone: ${(error as Error).message}`, {
          cause: error,
        });
      }
      throw redisError(error, this.#address);
    }
  }
}

const groupReader = (client: RedisClient): GroupReader => client as unknown as GroupReader;

/** The driver's types do not say what these answer. */
interface GroupReader {
  xreadgroupBuffer(
    ...words: readonly (string | number)[]
  ): Promise<readonly (readonly [Buffer, readonly StreamEntry[]])[] | null>;
  xautoclaimBuffer(
    ...words: readonly (string | number)[]
  ): Promise<readonly [cursor: Buffer, entries: readonly StreamEntry[]]>;
}
