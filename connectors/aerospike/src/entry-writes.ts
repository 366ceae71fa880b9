import type { Version } from '@millrace/core';
import type { AerospikeExp } from 'aerospike';

import {
  addDecimal,
  BIN,
  isLive,
  newToken,
  parseVersion,
  readEntry,
  storedValue,
  versionOf,
} from './key-value-entry.ts';
import type { Key, Operation, Records } from './records.ts';
import { type Applied, SingleWrites } from './single-writes.ts';
import { NO_PARTS, type StoredParts, type ValueParts } from './value-parts.ts';

/** The longest TTL that the server takes; what lives longer does not expire there. */
const MAX_TTL_SECONDS = 10 * 365 * 24 * 3600;

interface SetRules {
  readonly condition: Version | undefined;
  readonly now: number;
  /** Only where there is an entry, whose expiry stays. */
  readonly keep?: boolean;
  readonly expiresAt?: number | undefined;
}

/** Writes of entries: each is one step of the server, under a condition that tells whether it still is to be done. */
export class EntryWrites {
  readonly #records: Records;
  readonly #single: SingleWrites;
  readonly #parts: ValueParts;
  readonly #takesTtl: boolean;

  /** @param takesTtl whether the namespace does: without, entries are hidden when they expire, and stay */
  constructor(records: Records, parts: ValueParts, takesTtl: boolean) {
    this.#records = records;
    this.#single = new SingleWrites(records);
    this.#parts = parts;
    this.#takesTtl = takesTtl;
  }

  /** Adds to an integer. @throws INVALID_ARGUMENT; UNAVAILABLE where it cannot be told whether it was done */
  async add(
    name: Key,
    key: string,
    by: bigint,
    { now, expiresAt }: { readonly now: number; readonly expiresAt: number | undefined },
  ): Promise<bigint> {
    for (;;) {
      const added = await this.#addInPlace(name, Number(by), now);
      const sum = added ?? (await this.#addByCompare(name, key, by, now, expiresAt));
      // Another was faster, and has most likely made the counter that this one can add to in place.
      if (sum !== undefined) return sum;
    }
  }

  /** Whether there was an entry, of the version that is wanted. */
  async remove(name: Key, key: string, wanted: number | undefined, now: number): Promise<boolean> {
    const [stored] = await this.#records.read([name], [BIN.id, BIN.parts]);
    if (stored === undefined) return false;
    const { exp } = this.#records.driver;
    const live = this.#isLive(now);
    const filter = wanted === undefined ? live : exp.and(live, this.#isVersion(wanted));
    const removed = await this.#single.remove(name, filter);
    const { id, parts } = readEntry(stored);
    if (removed && parts > 0) await this.#parts.settle(Buffer.from(key), NO_PARTS, [{ id, count: parts }]);
    return removed;
  }

  /** Writes an entry if the condition holds; `keep` only where there is one, leaving its expiry. */
  async set(name: Key, key: string, value: Buffer, given: SetRules): Promise<Version | undefined> {
    const { condition, now, keep = false, expiresAt } = given;
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
    const present = wanted === undefined ? live : exp.and(live, this.#isVersion(wanted));
    const filter = condition === 'absent' ? exp.not(live) : present;
    const isFree = condition === undefined && !keep;
    const applied = await this.#single.write(name, operations, id, {
      ttl,
      ...(isFree ? {} : { filter }),
      ...(wanted === undefined ? {} : { wanted }),
      mustExist: keep || wanted !== undefined,
      isOnce: condition !== undefined,
    });
    if (applied === undefined) {
      if (isLarge) await this.#parts.remove(bytes, [parts]);
      return undefined;
    }
    await this.#settleParts(bytes, parts, applied);
    return versionOf(id);
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
      isOnce: true,
    });
    const sum = applied?.bins?.[BIN.value];
    return typeof sum === 'number' ? BigInt(sum) : undefined;
  }

  /** Reads, adds and writes; undefined when another was faster. */
  async #addByCompare(
    name: Key,
    key: string,
    by: bigint,
    now: number,
    expiresAt: number | undefined,
  ): Promise<bigint | undefined> {
    const [bins] = await this.#records.read([name]);
    const entry = bins === undefined ? undefined : readEntry(bins);
    const current = entry !== undefined && isLive(entry, now) ? entry : undefined;
    const sum = addDecimal(key, current?.parts === 0 ? current.value : current && Buffer.from('large'), by);
    const condition = current === undefined ? 'absent' : versionOf(current.token);
    const value = Buffer.from(sum.toString());
    const given = current === undefined ? { expiresAt } : { keep: true };
    return (await this.set(name, key, value, { condition, now, ...given })) === undefined ? undefined : sum;
  }

  #isVersion(token: number): AerospikeExp {
    const { exp } = this.#records.driver;
    return exp.eq(exp.binInt(BIN.token), exp.int(token));
  }

  #isLive(now: number): AerospikeExp {
    const { exp } = this.#records.driver;
    return exp.or(exp.not(exp.binExists(BIN.expiry)), exp.gt(exp.binInt(BIN.expiry), exp.int(now)));
  }

  /** Later than the entry's own expiry, which hides it to the millisecond; the server only cleans up. */
  #ttl(expiresAt: number | undefined, now: number): number {
    const { NEVER_EXPIRE } = this.#records.driver.ttl;
    if (expiresAt === undefined || !this.#takesTtl) return NEVER_EXPIRE;
    const seconds = Math.ceil((expiresAt - now) / 1000) + 1;
    return seconds > MAX_TTL_SECONDS ? NEVER_EXPIRE : seconds;
  }
}

/** A null removes the bin, which the client's types do not know. */
const writeOrClear = (
  operations: { write(bin: string, value: number): Operation },
  bin: string,
  value: number | undefined,
): Operation => operations.write(bin, (value ?? null) as number);
