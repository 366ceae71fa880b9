/**
 * A key-value store with expiry and compare-and-set: caches, cursors, locks.
 *
 * @example
 * const store = await openKeyValueStore('embedded:.millrace');
 * await store.set('greeting', Buffer.from('hello'), { ttlMs: 60_000 });
 * const [found] = await store.getMany(['greeting']);
 * await store.set('greeting', Buffer.from('bye'), { if: found?.version ?? 'absent' });   // undefined if someone was faster
 * await store.increment('visits', 1n);
 */

/** Changes with every write of its key; compare only for equality. */
export type Version = string;

export interface Versioned {
  readonly value: Uint8Array;
  readonly version: Version;
  /** Milliseconds since the epoch; undefined when it never expires. */
  readonly expiresAt: number | undefined;
}

export interface SetOptions {
  /** Time to live in milliseconds, above 0; 'keep' keeps the running one. Without it the key never expires. */
  readonly ttlMs?: number | 'keep';
  /** Writes only if the key has this version, or does not exist. */
  // oxlint-disable-next-line typescript/no-redundant-type-constituents -- says which word is no version
  readonly if?: Version | 'absent';
}

export interface KeyValueStore {
  /** In the order of the keys; undefined where a key is absent or expired. */
  getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]>;
  /** The new version, or undefined when the condition did not hold. */
  set(key: string, value: Uint8Array, options?: SetOptions): Promise<Version | undefined>;
  /** Whether the key existed (and the condition held). */
  delete(key: string, options?: { readonly if?: Version }): Promise<boolean>;
  /**
   * Adds to the decimal integer (64 bit, signed) that is the value, 0 when absent, and returns the sum. `ttlMs` is set
   * only when the key is created.
   *
   * @throws INVALID_ARGUMENT when the value is no integer or the sum leaves 64 bits.
   */
  increment(key: string, by: bigint, options?: { readonly ttlMs?: number }): Promise<bigint>;
  /** Live keys that start with the prefix, in no promised order. */
  scan(prefix: string): AsyncIterable<string>;
  close(): Promise<void>;
}
