import {
  checkKey,
  checkValue,
  defineOptions,
  durationOption,
  expiryOf,
  type KeyValueStore,
  MillraceError,
  notIncremented,
  type SetOptions,
  type Version,
  type Versioned,
} from '@millrace/core';

import { checkName, parseAerospikeUrl } from './address.ts';
import { connect } from './client.ts';
import { connectionOptions } from './connection-options.ts';
import { EntryWrites } from './entry-writes.ts';
import { aerospikeError } from './errors.ts';
import { BIN, isLive, parseVersion, readEntry, type StoredEntry, versionOf } from './key-value-entry.ts';
import { namespaceInfo } from './namespace-info.ts';
import { type Key, Records } from './records.ts';
import { ValueParts } from './value-parts.ts';

/** What the URL of a key-value store may say in its query. */
export const keyValueOptions = defineOptions('aerospike', {
  ...connectionOptions,
  retryTimeout: durationOption({
    default: '10s',
    description: 'How long a call is tried again while the cluster is away',
  }),
});

const DEFAULT_SET = 'millrace-kv';
const PARTS_SUFFIX = '-parts';
const MAX_SET_BYTES = 63;
const PAGE = 1000;
/** How often a value is read again because it was replaced meanwhile. */
const ATTEMPTS = 10;

interface Place {
  readonly namespace: string;
  readonly set: string;
  readonly takesTtl: boolean;
}

/**
 * Opens the key-value store at an Aerospike URL: `aerospike://host:3000/namespace/set`.
 *
 * While the cluster is away, calls are tried again for a while. A write whose answer was lost is looked up before it is
 * repeated. `increment`, `delete` and a `set` under a condition reject with UNAVAILABLE where even that cannot tell
 * whether they were done.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, CONNECTOR_NOT_INSTALLED, UNAVAILABLE, UNAUTHORIZED, REFUSED
 */
export async function openAerospikeKeyValueStore(url: string): Promise<KeyValueStore> {
  const { address, values } = parseAerospikeUrl(url, keyValueOptions);
  const { namespace, set = DEFAULT_SET } = address;
  checkName('set', set, MAX_SET_BYTES - PARTS_SUFFIX.length);
  const records = new Records(await connect(address), { timeoutMs: values.retryTimeout, closedError });
  try {
    const { takesTtl } = await namespaceInfo(records, namespace);
    return new AerospikeKeyValueStore(records, { namespace, set, takesTtl });
  } catch (error) {
    await records.close();
    throw error;
  }
}

class AerospikeKeyValueStore implements KeyValueStore {
  readonly #records: Records;
  readonly #place: Place;
  readonly #parts: ValueParts;
  readonly #writes: EntryWrites;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(records: Records, place: Place) {
    this.#records = records;
    this.#place = place;
    this.#parts = new ValueParts(records, place.namespace, place.set + PARTS_SUFFIX);
    this.#writes = new EntryWrites(records, this.#parts, place.takesTtl);
  }

  getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]> {
    return this.#do(async () => {
      const names = keys.map((key) => this.#key(key));
      if (names.length === 0) return [];
      const found = await this.#records.read(names);
      const now = Date.now();
      return Promise.all(
        found.map(async (record, at) => {
          if (record === undefined) return undefined;
          const entry = readEntry(record);
          if (!isLive(entry, now)) return undefined;
          return entry.parts === 0 ? versioned(entry, entry.value) : this.#readLarge(names[at]!, entry);
        }),
      );
    });
  }

  set(key: string, value: Uint8Array, options: SetOptions = {}): Promise<Version | undefined> {
    // Taken now: the caller may use the bytes again at once.
    const copy = Buffer.from(value);
    return this.#do(async () => {
      checkValue(copy);
      const name = this.#key(key);
      const { ttlMs, if: condition } = options;
      const now = Date.now();
      // Where there is nothing to keep an expiry of, the key never expires.
      if (ttlMs === 'keep' && condition === undefined) return this.#keepOrSet(name, key, copy);
      if (ttlMs === 'keep' && condition === 'absent') return this.#writes.set(name, key, copy, { condition, now });
      if (ttlMs === 'keep') return this.#writes.set(name, key, copy, { condition, now, keep: true });
      return this.#writes.set(name, key, copy, { condition, now, expiresAt: expiryOf(ttlMs, now) });
    });
  }

  delete(key: string, options: { readonly if?: Version } = {}): Promise<boolean> {
    return this.#do(async () => {
      const name = this.#key(key);
      const now = Date.now();
      const wanted = options.if === undefined ? undefined : parseVersion(options.if);
      if (options.if !== undefined && wanted === undefined) return false;
      return this.#writes.remove(name, key, wanted, now);
    });
  }

  increment(key: string, by: bigint, options: { readonly ttlMs?: number } = {}): Promise<bigint> {
    return this.#do(async () => {
      const name = this.#key(key);
      const now = Date.now();
      const expiresAt = expiryOf(options.ttlMs, now);
      if (by < -(2n ** 63n) || by >= 2n ** 63n) throw notIncremented(key, String(by), 'what to add is none');
      return this.#writes.add(name, key, by, { now, expiresAt });
    });
  }

  async *scan(prefix: string): AsyncGenerator<string> {
    this.#assertOpen();
    if (prefix !== '') checkKey(prefix);
    const { namespace, set } = this.#place;
    const bytes = Buffer.from(prefix);
    const query = this.#records.connection.client.query(namespace, set, { paginate: true, maxRecords: PAGE });
    query.select(BIN.key, BIN.expiry);
    for (;;) {
      const page = await this.#do(() => this.#page(query));
      const now = Date.now();
      for (const { bins } of page) {
        const key = bins[BIN.key];
        const expiresAt = bins[BIN.expiry];
        if (!Buffer.isBuffer(key) || !key.subarray(0, bytes.length).equals(bytes)) continue;
        if (typeof expiresAt === 'number' && expiresAt <= now) continue;
        yield key.toString();
        this.#assertOpen();
      }
      if (!query.hasNextPage()) return;
      query.nextPage(query.queryState as unknown as number[]);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#records.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** A call, which `close` waits for. */
  async #do<T>(step: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const running = step();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #page(query: ScanQuery): Promise<readonly ScanRow[]> {
    try {
      return await query.results();
    } catch (error) {
      throw aerospikeError(error, this.#records.connection.address.display);
    }
  }

  /** Under no condition, so it goes on until one of the two holds. */
  async #keepOrSet(name: Key, key: string, value: Buffer): Promise<Version> {
    for (;;) {
      const now = Date.now();
      const version =
        (await this.#writes.set(name, key, value, { condition: undefined, now, keep: true })) ??
        (await this.#writes.set(name, key, value, { condition: 'absent', now }));
      if (version !== undefined) return version;
    }
  }

  async #readLarge(name: Key, first: StoredEntry): Promise<Versioned | undefined> {
    let entry = first;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const value = entry.parts === 0 ? entry.value : await this.#parts.load({ id: entry.id, count: entry.parts });
      if (value !== undefined) return versioned(entry, value);
      const [record] = await this.#records.read([name]);
      if (record === undefined) return undefined;
      entry = readEntry(record);
      if (!isLive(entry, Date.now())) return undefined;
    }
    throw new MillraceError('UNAVAILABLE', 'the value is replaced too often to be read: try again');
  }

  /** Bytes, because the client cuts texts at NUL. @throws INVALID_ARGUMENT */
  #key(key: string): Key {
    checkKey(key);
    const { namespace, set } = this.#place;
    return new this.#records.driver.Key(namespace, set, Buffer.from(key)) as Key;
  }
}

interface ScanRow {
  readonly bins: Readonly<Record<string, unknown>>;
}

type ScanQuery = ReturnType<Records['connection']['client']['query']>;

const versioned = ({ token, expiresAt }: StoredEntry, value: Buffer): Versioned => ({
  value,
  version: versionOf(token),
  expiresAt,
});

const closedError = (): MillraceError =>
  new MillraceError('NOT_RUNNING', 'the key-value store is closed: open it again');
