import { randomBytes } from 'node:crypto';

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
  stringOption,
  type Version,
  type Versioned,
} from '@millrace/core';
import type { Cluster, Redis } from 'ioredis';

import { connectionOptions, parseRedisUrl } from './address.ts';
import { BoundedLink } from './bounded-link.ts';
import type { RedisClient } from './connection.ts';
import { DELETE_IF, INCREMENT, SET_IF } from './key-value-scripts.ts';

/** What the URL of a key-value store may say in its query. */
export const keyValueOptions = defineOptions('redis', {
  ...connectionOptions,
  prefix: stringOption({ default: 'millrace', minLength: 1, description: 'First part of all keys of the store' }),
  retryTimeout: durationOption({
    default: '10s',
    max: '1d',
    description: 'How long a call is tried again while Redis is away',
  }),
});

/*
 * An entry is a string: version (12 bytes), expiry (6 bytes, milliseconds since the epoch by the writer's clock, 0 =
 * never), value. The expiry there is for readers; Redis removes the entry by its own clock.
 */
const VERSION_BYTES = 12;
const EXPIRY_BYTES = 6;
const HEAD_BYTES = VERSION_BYTES + EXPIRY_BYTES;
const MAX_INT64 = 2n ** 63n;
const LIMB = 1_000_000_000n;
const SCAN_COUNT = 1000;

/**
 * Opens the key-value store at a Redis URL.
 *
 * While Redis is away, calls are tried again for a while; `increment` and `delete` are sent only once, because their
 * answer would differ the second time: cut off in between, they reject with UNAVAILABLE and may have been done.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, UNAVAILABLE, UNAUTHORIZED
 */
export async function openRedisKeyValueStore(url: string): Promise<KeyValueStore> {
  const { address, values } = parseRedisUrl(url, keyValueOptions);
  const link = new BoundedLink(address, { timeoutMs: values.retryTimeout, closedError });
  try {
    await link.run((client) => client.exists(`${values.prefix}:kv:`));
  } catch (error) {
    await link.close();
    throw error;
  }
  return new RedisKeyValueStore(link, `${values.prefix}:kv:`);
}

class RedisKeyValueStore implements KeyValueStore {
  readonly #link: BoundedLink;
  readonly #prefix: string;
  /** Random per opening, then counted up: no version comes twice. */
  readonly #version = randomBytes(VERSION_BYTES);
  #writes = 0;

  constructor(link: BoundedLink, prefix: string) {
    this.#link = link;
    this.#prefix = prefix;
  }

  async getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]> {
    this.#link.assertOpen();
    const names = keys.map((key) => this.#name(key));
    if (names.length === 0) return [];
    const entries = await this.#link.run((client) => readAll(client, names));
    return entries.map((entry) => (entry === null ? undefined : decode(entry)));
  }

  async set(key: string, value: Uint8Array, options: SetOptions = {}): Promise<Version | undefined> {
    this.#link.assertOpen();
    checkValue(value);
    const name = this.#name(key);
    const { ttlMs, if: condition } = options;
    const expiresAt = ttlMs === 'keep' ? undefined : expiryOf(ttlMs, Date.now());
    const entry = Buffer.concat([this.#head(expiresAt), value]);
    const version = versionOf(entry);
    if (condition === undefined && ttlMs === undefined) {
      await this.#link.run((client) => client.set(name, entry));
      return version;
    }
    const ttl = typeof ttlMs === 'number' ? Math.ceil(ttlMs) : (ttlMs ?? '');
    if (condition === undefined && typeof ttl === 'number') {
      await this.#link.run((client) => client.set(name, entry, 'PX', ttl));
      return version;
    }
    const wanted = condition === undefined || condition === 'absent' ? (condition ?? '') : versionBytes(condition);
    const written = await this.#link.run((client) => SET_IF.run(client, [name], [entry, ttl, wanted]));
    return written === 1 ? version : undefined;
  }

  async delete(key: string, options: { readonly if?: Version } = {}): Promise<boolean> {
    this.#link.assertOpen();
    const name = this.#name(key);
    const { if: condition } = options;
    const deleted = await this.#link.runOnce((client) =>
      condition === undefined ? client.del(name) : DELETE_IF.run(client, [name], [versionBytes(condition)]),
    );
    return deleted === 1;
  }

  async increment(key: string, by: bigint, options: { readonly ttlMs?: number } = {}): Promise<bigint> {
    this.#link.assertOpen();
    const name = this.#name(key);
    const { ttlMs } = options;
    const head = this.#head(expiryOf(ttlMs, Date.now()));
    const size = by < 0n ? -by : by;
    if (size > MAX_INT64) throw notIncremented(key, String(by), 'what to add is none');
    const ttl = ttlMs === undefined ? '' : Math.ceil(ttlMs);
    const values = [head, ttl, by < 0n ? '-' : '', String(size / LIMB), String(size % LIMB)];
    const [sum, text] = (await this.#link.runOnce((client) => INCREMENT.run(client, [name], values))) as string[];
    if (sum === 'NOT') throw notIncremented(key, text!, 'its value is no such integer');
    if (sum === 'OVER') throw notIncremented(key, `${text} + ${by}`, 'the sum is none');
    return BigInt(sum!);
  }

  async *scan(prefix: string): AsyncGenerator<string> {
    this.#link.assertOpen();
    if (prefix !== '') checkKey(prefix);
    const pattern = `${escapeGlob(this.#prefix + prefix)}*`;
    // Redis may tell a key twice while its table is resized, and after a lost connection.
    const told = new Set<string>();
    const servers = await this.#link.run(async (client) => masters(client).map(nameOf));
    for (const server of servers) {
      let cursor = '0';
      let asked: RedisClient | undefined;
      do {
        const [next, names] = await this.#link.run((client) => {
          // A server that has restarted has its keys in another order, of which an old cursor would pass over some.
          const at = client === asked ? cursor : '0';
          asked = client;
          return masterNamed(client, server).scan(at, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
        });
        for (const name of names) {
          const key = name.slice(this.#prefix.length);
          if (told.has(key)) continue;
          told.add(key);
          yield key;
          this.#link.assertOpen();
        }
        cursor = next;
      } while (cursor !== '0');
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #name(key: string): string {
    checkKey(key);
    return this.#prefix + key;
  }

  /** Of a new entry. */
  #head(expiresAt: number | undefined): Buffer {
    this.#writes++;
    this.#version.writeUIntBE(this.#writes, VERSION_BYTES - 6, 6);
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    this.#version.copy(head);
    head.writeUIntBE(expiresAt ?? 0, VERSION_BYTES, EXPIRY_BYTES);
    return head;
  }
}

/** On a Cluster the keys lie in many slots, and one command takes keys of one slot. */
async function readAll(client: RedisClient, names: readonly string[]): Promise<(Buffer | null)[]> {
  if (client.isCluster) return Promise.all(names.map((name) => client.getBuffer(name)));
  return client.mgetBuffer([...names]);
}

const masters = (client: RedisClient): Redis[] =>
  client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];

const nameOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** By name, as another connection may know the masters in another order. */
function masterNamed(client: RedisClient, name: string): Redis {
  // Behind Sentinels the one there is may be another by now.
  const master = client.isCluster ? masters(client).find((each) => nameOf(each) === name) : (client as Redis);
  if (master !== undefined) return master;
  throw new MillraceError(
    'UNAVAILABLE',
    `the master ${name} left the Cluster while its keys were listed: list them again`,
  );
}

function decode(entry: Buffer): Versioned {
  const expiry = entry.readUIntBE(VERSION_BYTES, EXPIRY_BYTES);
  return {
    value: entry.subarray(HEAD_BYTES),
    version: versionOf(entry),
    expiresAt: expiry === 0 ? undefined : expiry,
  };
}

const versionOf = (entry: Buffer): Version => entry.toString('base64url', 0, VERSION_BYTES);

/** A text that is no version gives bytes that no entry has. */
function versionBytes(version: Version): Buffer {
  const bytes = Buffer.from(version, 'base64url');
  return bytes.length === VERSION_BYTES ? bytes : Buffer.from('none');
}

const escapeGlob = (text: string): string => text.replaceAll(/[\\*?[\]^-]/g, String.raw`\$&`);

const closedError = (): MillraceError =>
  new MillraceError('NOT_RUNNING', 'the key-value store is closed: open it again');
