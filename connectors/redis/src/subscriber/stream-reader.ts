import type { Received, Source } from '@millrace/core';
import type { RedisAddress } from '../address.ts';
import { connect, type RedisClient, type RedisConnection, unlessLost } from '../connection.ts';
import { redisError } from '../errors.ts';
import { receivedFrom, type StreamEntry } from './stream-fields.ts';
import type { StreamPlace } from './stream-place.ts';

/** How long one command waits for new entries. */
const BLOCK_MS = 200;

/** Where a reader is; kept from one connection to the next. */
export interface Reading {
  readonly stream: string;
  place: StreamPlace;
}

/** Reads a stream without a group: it shares with nobody, and leaves nothing behind. */
export class StreamReader implements Source {
  readonly #address: RedisAddress;
  readonly #connection: RedisConnection;
  readonly #reading: Reading;
  #after: string;

  private constructor(address: RedisAddress, connection: RedisConnection, reading: Reading, after: string) {
    this.#address = address;
    this.#connection = connection;
    this.#reading = reading;
    this.#after = after;
  }

  /** Finds the end at once, where that is the place: what is published from then on is read. */
  static async connect(address: RedisAddress, reading: Reading, signal: AbortSignal): Promise<StreamReader> {
    const connection = await connect(address, { signal });
    const { stream, place } = reading;
    try {
      const after =
        place === 'latest' ? await unlessLost(connection.lost, lastId(connection.client, stream)) : place.after;
      reading.place = { after };
      return new StreamReader(address, connection, reading, after);
    } catch (error) {
      connection.close();
      throw redisError(error, address);
    }
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    // What was not asked for is still in the stream.
    if (signal.aborted) return [];
    const { client, lost } = this.#connection;
    const words = ['COUNT', max, 'BLOCK', BLOCK_MS, 'STREAMS', this.#reading.stream, this.#after];
    try {
      const answer = await unlessLost(lost, (client as unknown as Reader).xreadBuffer(...words));
      const entries = answer?.[0]?.[1] ?? [];
      this.#after = entries.at(-1)?.[0].toString('latin1') ?? this.#after;
      this.#reading.place = { after: this.#after };
      return entries.flatMap(([id, fields]) => (fields === null ? [] : [receivedFrom(id.toString('latin1'), fields)]));
    } catch (error) {
      throw redisError(error, this.#address);
    }
  }

  async close(): Promise<void> {
    if (!this.#connection.lost.aborted) this.#connection.close();
  }
}

async function lastId(client: RedisClient, stream: string): Promise<string> {
  const [last] = await client.xrevrange(stream, '+', '-', 'COUNT', 1);
  return last?.[0] ?? '0-0';
}

/** The driver's types do not say what this answers. */
interface Reader {
  xreadBuffer(
    ...words: readonly (string | number)[]
  ): Promise<readonly (readonly [Buffer, readonly StreamEntry[]])[] | null>;
}
