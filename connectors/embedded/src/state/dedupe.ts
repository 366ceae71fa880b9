import type { Batch, Level } from './database.ts';
import { dedupeExpiryKey, dedupeExpiryRange, expiryAppendedAt, expiryDedupeKey, newDedupeKey } from './keys.ts';
import type { SipHash } from './sip-hash.ts';
import { readRange } from '../read-range.ts';

/** How long, in append time, a dedupe key is remembered. */
export const DEDUPE_MS = 10 * 60_000;
/** Removals per partition and commit. */
const MAX_EXPIRED = 1000;
/** Expired keys are looked for no more often than this, in append time. */
const EXPIRE_EVERY_MS = 10_000;
const NOTHING = Buffer.alloc(0);

/**
 * Remembers dedupe keys by their hash. Keys expire by the append time of the partition that brought them, so that
 * partitions which are read one after the other do not expire each other's.
 */
export class Dedupe {
  readonly #level: Level;
  readonly #hash: SipHash;
  readonly #expireFrom = new Map<number, number>();
  /** What the running commit remembers, which the database does not show yet. */
  readonly #fresh = new Map<string, number>();

  constructor(level: Level, hash: SipHash) {
    this.#level = level;
    this.#hash = hash;
  }

  begin(): void {
    this.#fresh.clear();
  }

  /** Whether the text was seen within the window; remembers it if not. */
  seen(batch: Batch, text: string, partition: number, appendedAt: number): boolean {
    const key = newDedupeKey();
    this.#hash.write(text, key, 1);
    const name = key.toString('latin1');
    const seenAt = this.#fresh.get(name) ?? this.#level.getSync(key)?.readUIntBE(0, 6);
    if (seenAt !== undefined && appendedAt < seenAt + DEDUPE_MS) return true;
    const value = Buffer.alloc(6);
    value.writeUIntBE(appendedAt, 0, 6);
    batch.put(key, value);
    batch.put(dedupeExpiryKey(partition, appendedAt, key), NOTHING);
    this.#fresh.set(name, appendedAt);
    return false;
  }

  /** Removes some of what has expired at this append time of the partition. */
  async expire(batch: Batch, partition: number, appendedAt: number): Promise<void> {
    if (appendedAt < (this.#expireFrom.get(partition) ?? 0)) return;
    const range = dedupeExpiryRange(partition, appendedAt - DEDUPE_MS);
    const expired = await readRange(this.#level.keys({ ...range, limit: MAX_EXPIRED }));
    for (const expiry of expired) {
      batch.del(expiry);
      const key = expiryDedupeKey(expiry);
      if (this.#fresh.has(key.toString('latin1'))) continue;
      // The text may have come again since: then a later expiry stands for it.
      if (this.#level.getSync(key)?.readUIntBE(0, 6) === expiryAppendedAt(expiry)) batch.del(key);
    }
    if (expired.length < MAX_EXPIRED) this.#expireFrom.set(partition, appendedAt + EXPIRE_EVERY_MS);
  }
}
