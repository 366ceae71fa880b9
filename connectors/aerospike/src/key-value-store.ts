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
import type { AerospikeExp } from 'aerospike';

import { checkName, connectionOptions, parseAerospikeUrl } from './address.ts';
import { connect } from './client.ts';
import { aerospikeError } from './errors.ts';
import {
  addDecimal,
  BIN,
  newToken,
  parseVersion,
  readEntry,
  type StoredEntry,
  storedValue,
  versionOf,
} from './key-value-entry.ts';
import { namespaceInfo } from './namespace-info.ts';
import { type Key, type Operation, Records } from './records.ts';
import { type Applied, SingleWrites } from './single-writes.ts';
import { NO_PARTS, type StoredParts, ValueParts } from './value-parts.ts';

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
/** The longest TTL that the server takes; what lives longer does not expire there. */
const MAX_TTL_SECONDS = 10 * 365 * 24 * 3600;
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
 * repeated. `increment` and `delete` reject with UNAVAILABLE where even that cannot tell whether they were done.
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
  readonly #single: SingleWrites;
  readonly #parts: ValueParts;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(records: Records, place: Place) {
    this.#records = records;
    this.#place = place;
    this.#single = new SingleWrites(records);
    this.#parts = new ValueParts(records, place.namespace, place.set + PARTS_SUFFIX);
  }

  getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]> {
    return this.#do(async () => {
      const names = keys.map((key) => this.#key(key));
      if (names.length === 0) return [];
      const found = await this.#records.readVersioned(names);
      const now = Date.now();
      return Promise.all(
        found.map(async (record, at) => {
          if (record === undefined) return undefined;
          const entry = readEntry(record.bins, record.generation);
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
      if (ttlMs === 'keep') {
        const kept = await this.#set(name, key, copy, { condition, now, keep: true });
        // Where there is nothing to keep an expiry of, the key never expires.
        if (kept !== undefined || (condition !== undefined && condition !== 'absent')) return kept;
        return this.#set(name, key, copy, { condition: 'absent', now });
      }
      return this.#set(name, key, copy, { condition, now, expiresAt: expiryOf(ttlMs, now) });
    });
  }

  delete(key: string, options: { readonly if?: Version } = {}): Promise<boolean> {
    return this.#do(async () => {
      const name = this.#key(key);
      const now = Date.now();
      const wanted = options.if === undefined ? undefined : parseVersion(options.if);
      if (options.if !== undefined && wanted === undefined) return false;
      const [stored] = await this.#records.readVersioned([name], [BIN.id, BIN.parts]);
      if (stored === undefined) return false;
      const { exp } = this.#records.driver;
      const live = this.#isLive(now);
      const filter = wanted === undefined ? live : exp.and(live, exp.eq(exp.binInt(BIN.id), exp.int(wanted.id)));
      const removed = await this.#single.remove(name, filter, wanted?.generation);
      const { id, parts } = readEntry(stored.bins, stored.generation);
      if (removed && parts > 0) await this.#parts.settle(Buffer.from(key), NO_PARTS, [{ id, count: parts }]);
      return removed;
    });
  }

  increment(key: string, by: bigint, options: { readonly ttlMs?: number } = {}): Promise<bigint> {
    return this.#do(async () => {
      const name = this.#key(key);
      const now = Date.now();
      const expiresAt = expiryOf(options.ttlMs, now);
      if (by < -(2n ** 63n) || by >= 2n ** 63n) throw notIncremented(key, String(by), 'what to add is none');
      return (await this.#addInPlace(name, Number(by), now)) ?? this.#addByCompare(name, key, by, now, expiresAt);
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

  async #readLarge(name: Key, first: StoredEntry): Promise<Versioned | undefined> {
    let entry = first;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const value = entry.parts === 0 ? entry.value : await this.#parts.load({ id: entry.id, count: entry.parts });
      if (value !== undefined) return versioned(entry, value);
      const [record] = await this.#records.readVersioned([name]);
      if (record === undefined) return undefined;
      entry = readEntry(record.bins, record.generation);
      if (!isLive(entry, Date.now())) return undefined;
    }
    throw new MillraceError('UNAVAILABLE', 'the value is replaced too often to be read: try again');
  }

  /** Writes an entry if the condition holds; `keep` only where there is one, leaving its expiry. */
  async #set(
    name: Key,
    key: string,
    value: Buffer,
    given: {
      condition: Version | undefined;
      now: number;
      keep?: boolean;
      expiresAt?: number | undefined;
      addsUp?: boolean;
    },
  ): Promise<Version | undefined> {
    const { condition, now, keep = false, expiresAt, addsUp = false } = given;
    const { exp, operations: op, ttl: ttls } = this.#records.driver;
    const wanted = condition === undefined || condition === 'absent' ? undefined : parseVersion(condition);
    if (condition !== undefined && condition !== 'absent' && wanted === undefined) return undefined;
    const id = newToken();
    const ttl = keep ? ttls.DONT_UPDATE : this.#ttl(expiresAt, now);
    const bytes = Buffer.from(key);
    const parts = await this.#parts.store(bytes, id, value, keep ? ttls.NEVER_EXPIRE : ttl);
    const isLarge = parts.count > 0;
    const operations = [
      exp.operations.read('oldId', exp.binInt(BIN.id), exp.expReadFlags.EVAL_NO_FAIL),
      exp.operations.read('oldParts', exp.binInt(BIN.parts), exp.expReadFlags.EVAL_NO_FAIL),
      op.write(BIN.key, bytes),
      op.write(BIN.value, isLarge ? Buffer.alloc(0) : storedValue(value)),
      op.write(BIN.id, id),
      op.write(BIN.token, id),
      writeOrClear(op, BIN.parts, isLarge ? parts.count : undefined),
      keep ? op.read(BIN.expiry) : writeOrClear(op, BIN.expiry, expiresAt),
    ];
    const live = this.#isLive(now);
    // The filter counts for a record that exists only: without one, "absent" holds.
    const isWanted = wanted === undefined ? undefined : exp.eq(exp.binInt(BIN.id), exp.int(wanted.id));
    const filter = condition === 'absent' ? exp.not(live) : isWanted === undefined ? live : exp.and(live, isWanted);
    const isFree = condition === undefined && !keep;
    const applied = await this.#single.write(name, operations, id, {
      ttl,
      ...(isFree ? {} : { filter }),
      ...(wanted === undefined ? {} : { generation: wanted.generation }),
      mustExist: keep || wanted !== undefined,
      addsUp,
    });
    if (applied === undefined) {
      if (isLarge) await this.#parts.remove(bytes, [parts]);
      return undefined;
    }
    await this.#settleParts(bytes, parts, applied);
    return versionOf(id, applied.generation);
  }

  /** Removes the parts of the value that was there before, and lets new ones live as long as a kept expiry says. */
  async #settleParts(key: Buffer, parts: StoredParts, { bins = {} }: Applied): Promise<void> {
    const { oldId, oldParts, [BIN.expiry]: expiresAt } = bins;
    const replaced = typeof oldParts === 'number' && typeof oldId === 'number' ? [{ id: oldId, count: oldParts }] : [];
    if (parts.count > 0 && typeof expiresAt === 'number') {
      await this.#parts.expire(parts, this.#ttl(expiresAt, Date.now()));
    }
    if (parts.count > 0 || replaced.length > 0) await this.#parts.settle(key, parts, replaced);
  }

  /** Undefined where the server cannot add: no entry, or one that is no integer of 53 bits, before or after. */
  async #addInPlace(name: Key, by: number, now: number): Promise<bigint | undefined> {
    if (!Number.isSafeInteger(by)) return undefined;
    const { exp, operations: op, ttl } = this.#records.driver;
    const token = newToken();
    const value = exp.binInt(BIN.value);
    const most = Number.MAX_SAFE_INTEGER;
    const fits = by < 0 ? exp.ge(value, exp.int(-most - by)) : exp.le(value, exp.int(most - by));
    const operations = [op.incr(BIN.value, by), op.write(BIN.token, token), op.read(BIN.value)];
    const applied = await this.#single.write(name, operations, token, {
      ttl: ttl.DONT_UPDATE,
      filter: exp.and(this.#isLive(now), fits),
      mustExist: true,
      addsUp: true,
    });
    const sum = applied?.bins?.[BIN.value];
    return typeof sum === 'number' ? BigInt(sum) : undefined;
  }

  /** Reads, adds and writes, again when another was faster. */
  async #addByCompare(name: Key, key: string, by: bigint, now: number, expiresAt: number | undefined): Promise<bigint> {
    for (;;) {
      const [record] = await this.#records.readVersioned([name]);
      const entry = record === undefined ? undefined : readEntry(record.bins, record.generation);
      const current = entry !== undefined && isLive(entry, now) ? entry : undefined;
      const sum = addDecimal(key, current?.parts === 0 ? current.value : current && Buffer.from('large'), by);
      const condition = current === undefined ? 'absent' : versionOf(current.id, current.generation);
      const value = Buffer.from(sum.toString());
      const given = current === undefined ? { expiresAt } : { keep: true };
      if ((await this.#set(name, key, value, { condition, now, addsUp: true, ...given })) !== undefined) return sum;
    }
  }

  #isLive(now: number): AerospikeExp {
    const { exp } = this.#records.driver;
    return exp.or(exp.not(exp.binExists(BIN.expiry)), exp.gt(exp.binInt(BIN.expiry), exp.int(now)));
  }

  /** Later than the entry's own expiry, which hides it to the millisecond; the server only cleans up. */
  #ttl(expiresAt: number | undefined, now: number): number {
    const { NEVER_EXPIRE } = this.#records.driver.ttl;
    if (expiresAt === undefined || !this.#place.takesTtl) return NEVER_EXPIRE;
    const seconds = Math.ceil((expiresAt - now) / 1000) + 1;
    return seconds > MAX_TTL_SECONDS ? NEVER_EXPIRE : seconds;
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

const isLive = ({ expiresAt }: StoredEntry, now: number): boolean => expiresAt === undefined || expiresAt > now;

const versioned = ({ id, generation, expiresAt }: StoredEntry, value: Buffer): Versioned => ({
  value,
  version: versionOf(id, generation),
  expiresAt,
});

/** A null removes the bin, which the client's types do not know. */
const writeOrClear = (
  operations: { write(bin: string, value: number): Operation },
  bin: string,
  value: number | undefined,
): Operation => operations.write(bin, (value ?? null) as number);

const closedError = (): MillraceError =>
  new MillraceError('NOT_RUNNING', 'the key-value store is closed: open it again');
