import { MillraceError } from '@millrace/core';
import type { AerospikeBins, AerospikeRecord as DriverRecord, Query } from 'aerospike';

import { checkName, parseAerospikeUrl } from '../address.ts';
import { type AerospikeConnection, connect } from '../client.ts';
import { plainAerospikeOptions } from '../connection-options.ts';
import { aerospikeError, failureOf, STATUS, statusError } from '../errors.ts';
import type { Key } from '../records.ts';

/** A record as it is in the database. */
export interface AerospikeRecord {
  /** Undefined where the record was written without it (`send_key=false`). */
  readonly key: string | number | Buffer | undefined;
  /** 1 when it was made, and one more with each write. */
  readonly generation: number;
  /** Seconds it has left; undefined when it never expires. */
  readonly ttlSeconds: number | undefined;
  readonly bins: AerospikeBins;
}

export interface ReadOptions {
  /** Default: the set of the URL. */
  readonly set?: string;
  /** Only these bins. Default: all. */
  readonly bins?: readonly string[];
  /** Ends the call with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** A condition on one bin that has an index. */
export type BinFilter =
  | { readonly bin: string; readonly between: readonly [from: number, to: number] }
  | { readonly bin: string; readonly equals: number | string };

export interface IndexOptions {
  readonly bin: string;
  readonly name: string;
  /** Doubles are in no index: an integer index does not find 23.5. */
  readonly type: 'integer' | 'string';
  readonly set?: string;
}

/** Records of one page of a scan or a query. */
const PAGE = 1000;
/** Rows of one batch. */
const MAX_ROWS = 1000;
const EXISTS_ALREADY = 200;
const MAX_SET_BYTES = 63;

/**
 * Opens the records of a namespace for reading: one, many by their keys, by an index, or all.
 *
 * @example
 * const records = await openAerospikeRecords('aerospike://localhost:3000/test/sensors');
 * const record = await records.get('sensor_001');
 * for await (const { bins } of records.query({ bin: 'temperature', between: [20, 25] })) console.log(bins);
 * await records.close();
 *
 * @param url as a publisher's; the set may be left out and given with each call
 * @throws INVALID_OPTION, UNKNOWN_OPTION, CONNECTOR_NOT_INSTALLED, UNAVAILABLE, UNAUTHORIZED, REFUSED, CANCELLED
 */
export async function openAerospikeRecords(
  url: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<RecordReader> {
  return new RecordReader(await connect(parseAerospikeUrl(url, plainAerospikeOptions).address, options));
}

/** Reads records. Made by {@link openAerospikeRecords}. Every call may throw UNAVAILABLE, REFUSED and NOT_RUNNING after `close`. */
export class RecordReader {
  readonly #connection: AerospikeConnection;
  #isClosed = false;

  constructor(connection: AerospikeConnection) {
    this.#connection = connection;
  }

  /** Undefined where there is no record. @throws CANCELLED, INVALID_ARGUMENT */
  async get(key: string | number | Buffer, options: ReadOptions = {}): Promise<AerospikeRecord | undefined> {
    const at = this.#keyOf(key, options.set);
    try {
      const { client } = this.#connection;
      const { bins, signal } = options;
      return recordOf(
        await this.#run(signal, () => (bins === undefined ? client.get(at) : client.select(at, [...bins]))),
      );
    } catch (error) {
      if (error instanceof MillraceError && failureOf(error.cause)?.code === STATUS.notFound) return undefined;
      throw error;
    }
  }

  /** In the order of the keys; undefined where there is no record. @throws CANCELLED, INVALID_ARGUMENT */
  async getMany(
    keys: readonly (string | number | Buffer)[],
    options: ReadOptions = {},
  ): Promise<(AerospikeRecord | undefined)[]> {
    const { bins, set, signal } = options;
    const what = bins === undefined ? { readAllBins: true } : { bins: [...bins] };
    const found: (AerospikeRecord | undefined)[] = [];
    for (let start = 0; start < keys.length; start += MAX_ROWS) {
      const rows = keys.slice(start, start + MAX_ROWS).map((key) => ({ key: this.#keyOf(key, set), ...what }));
      for (const { status, record } of await this.#run(signal, () => this.#connection.client.batchRead(rows))) {
        const code = Number(status);
        if (code !== STATUS.ok && code !== STATUS.notFound) throw statusError(code, this.#connection.address.display);
        found.push(code === STATUS.ok ? recordOf(record) : undefined);
      }
    }
    return found;
  }

  /** Records whose bin fits, in no order, page by page: by the index on the bin. @throws CANCELLED while it is read */
  query(filter: BinFilter, options: ReadOptions = {}): AsyncGenerator<AerospikeRecord, void> {
    const { driver } = this.#connection;
    const where =
      'between' in filter
        ? driver.filter.range(filter.bin, filter.between[0], filter.between[1])
        : driver.filter.equal(filter.bin, filter.equals);
    return this.#pages(options, (query) => query.where(where));
  }

  /** All records of the set, in no order, page by page. @throws CANCELLED while it is read */
  scan(options: ReadOptions = {}): AsyncGenerator<AerospikeRecord, void> {
    return this.#pages(options, () => undefined);
  }

  /** Makes a secondary index and waits until it is complete; one that exists already is left as it is. */
  async createIndex({ bin, name, type, set }: IndexOptions): Promise<void> {
    const { driver, client, address } = this.#connection;
    const datatype = type === 'integer' ? driver.indexDataType.NUMERIC : driver.indexDataType.STRING;
    try {
      const job = await client.createIndex({
        ns: address.namespace,
        set: this.#setOf(set),
        bin,
        index: name,
        datatype,
      });
      await job.wait(100);
    } catch (error) {
      if (failureOf(error)?.code !== EXISTS_ALREADY) throw aerospikeError(error, address.display);
    }
  }

  /** Disconnects. May be called more than once. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#connection.close();
    return Promise.resolve();
  }

  async *#pages(
    { set, bins, signal }: ReadOptions,
    restrict: (query: Query) => void,
  ): AsyncGenerator<AerospikeRecord, void> {
    const { client, address } = this.#connection;
    const query = client.query(address.namespace, this.#setOf(set), { paginate: true, maxRecords: PAGE });
    if (bins !== undefined) query.select([...bins]);
    restrict(query);
    do {
      // A page at a time, since the client's stream cannot be made to wait.
      const page = await this.#run(signal, () => query.results());
      for (const record of page) yield recordOf(record);
    } while (query.hasNextPage());
  }

  /** @throws coded errors only */
  async #run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new MillraceError('NOT_RUNNING', 'these records are closed: open them again');
    const cancelled = Promise.withResolvers<never>();
    const cancel = (): void => cancelled.reject(new MillraceError('CANCELLED', 'reading was cancelled by its signal'));
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await Promise.race([cancelled.promise, ...(signal?.aborted === true ? [] : [work()])]);
    } catch (error) {
      throw aerospikeError(error, this.#connection.address.display);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #keyOf(key: string | number | Buffer, set: string | undefined): Key {
    const { driver, address } = this.#connection;
    const place = this.#setOf(set);
    try {
      return new driver.Key(address.namespace, place, key) as Key;
    } catch (cause) {
      const accepted = 'a text that is not empty, an integer, or bytes';
      throw new MillraceError('INVALID_ARGUMENT', `this is no key of a record: give ${accepted}`, {
        field: 'key',
        value: key,
        accepted,
        cause,
      });
    }
  }

  #setOf(set: string | undefined): string {
    const { address } = this.#connection;
    if (set !== undefined) checkName('set', set, MAX_SET_BYTES);
    const name = set ?? address.set;
    if (name !== undefined) return name;
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${address.display} names no set: give the option set, or add it to the URL`,
      {
        field: 'set',
        accepted: 'the name of a set',
      },
    );
  }
}

function recordOf({ key, gen, ttl, bins }: DriverRecord): AerospikeRecord {
  return {
    key: key.key ?? undefined,
    generation: gen,
    ttlSeconds: ttl === undefined || ttl < 0 ? undefined : ttl,
    bins,
  };
}
