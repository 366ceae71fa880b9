import { MillraceError } from '@millrace/core';

import type { Key, Records } from './records.ts';

/** Larger values are stored in parts of this size: a record has 1 MiB at most, and is written anew by every change. */
export const PART_BYTES = 192 * 1024;
const BYTES_BIN = 'v';
/** Map of the list of a key: by id, how many parts and when they were begun. */
const LIST_BIN = 'm';
/** What is older and not the value of its key was left behind by a writer that died; nobody may take longer than half of it. */
const GRACE_MS = 10 * 60_000;

/** Where the parts of one value are. */
export interface StoredParts {
  readonly id: number;
  readonly count: number;
}

export const NO_PARTS: StoredParts = { id: 0, count: 0 };

/**
 * Parts of large values, in records of their own. They belong to one write of the key, never change, and are stored
 * before the key names them; so a reader has all parts of one write, or none. Each write is listed under its key before
 * its first part: what a writer leaves behind that died is removed by the next large write of the key, or its removal.
 */
export class ValueParts {
  readonly #records: Records;
  readonly #namespace: string;
  readonly #set: string;

  constructor(records: Records, namespace: string, set: string) {
    this.#records = records;
    this.#namespace = namespace;
    this.#set = set;
  }

  /**
   * Stores the parts of a value that does not fit its key's record; of another one there are none.
   *
   * @throws UNAVAILABLE when it took so long that another writer may take them for left behind
   */
  async store(key: Buffer, id: number, value: Uint8Array, ttl: number): Promise<StoredParts> {
    if (value.length <= PART_BYTES) return NO_PARTS;
    const count = Math.ceil(value.length / PART_BYTES);
    const { operations: op, maps } = this.#records.driver;
    const policy = this.#records.policy(undefined, { ttl });
    const begunAt = Date.now();
    const entry = maps.put(LIST_BIN, String(id), [count, begunAt]);
    await this.#records.write([{ key: this.#list(key), operations: [entry], policy }]);
    // One after the other: a batch of them would be far larger than what a connection should carry at once.
    for (let part = 0; part < count; part++) {
      const bytes = Buffer.from(value.subarray(part * PART_BYTES, (part + 1) * PART_BYTES));
      await this.#records.write([{ key: this.#part(id, part), operations: [op.write(BYTES_BIN, bytes)], policy }]);
    }
    if (Date.now() - begunAt > GRACE_MS / 2) {
      await this.remove(key, [{ id, count }]);
      throw new MillraceError('UNAVAILABLE', 'storing the parts of the value took too long: try again');
    }
    return { id, count };
  }

  /** Lets the parts live as long as their key. */
  async expire({ id, count }: StoredParts, ttl: number): Promise<void> {
    const { operations: op } = this.#records.driver;
    const policy = this.#records.policy(undefined, { ttl, mustExist: true });
    await this.#records.write(this.#parts({ id, count }).map((key) => ({ key, operations: [op.touch(ttl)], policy })));
  }

  /** Undefined when a part is gone, because the key was written again meanwhile. */
  async load({ id, count }: StoredParts): Promise<Buffer | undefined> {
    const found = await this.#records.read(this.#parts({ id, count }));
    const parts = found.flatMap((bins) => (bins === undefined ? [] : [bins[BYTES_BIN] as Buffer]));
    return parts.length === count ? Buffer.concat(parts) : undefined;
  }

  /** Removes parts that no key names, or names any more. */
  async remove(key: Buffer, gone: readonly StoredParts[]): Promise<void> {
    await this.#tidy(key, gone, () => false);
  }

  /** The same once the key has been written or removed, with what earlier writers have left behind. */
  async settle(key: Buffer, current: StoredParts, gone: readonly StoredParts[]): Promise<void> {
    const oldest = Date.now() - GRACE_MS;
    await this.#tidy(key, gone, (id, begunAt) => id !== current.id && begunAt < oldest);
  }

  async #tidy(
    key: Buffer,
    gone: readonly StoredParts[],
    isLeft: (id: number, begunAt: number) => boolean,
  ): Promise<void> {
    const [bins] = await this.#records.read([this.#list(key)], [LIST_BIN]);
    const listed = listOf(bins?.[LIST_BIN]);
    const left = listed.filter(({ id, begunAt }) => isLeft(id, begunAt));
    const over = [...gone, ...left.filter(({ id }) => gone.every((each) => each.id !== id))];
    if (over.length === 0) return;
    await this.#records.remove(over.flatMap((parts) => this.#parts(parts)));
    const ids = over.map(({ id }) => String(id));
    if (listed.every(({ id }) => ids.includes(String(id)))) {
      // A writer that has just begun loses its entry, which costs something only if it dies.
      await this.#records.remove([this.#list(key)]);
      return;
    }
    const { exp, maps } = this.#records.driver;
    const policy = this.#records.policy(exp.binExists(LIST_BIN), { mustExist: true });
    await this.#records.write([{ key: this.#list(key), operations: [maps.removeByKeyList(LIST_BIN, ids)], policy }]);
  }

  #parts({ id, count }: StoredParts): Key[] {
    return Array.from({ length: count }, (_, part) => this.#part(id, part));
  }

  readonly #part = (id: number, part: number): Key => this.#key(Buffer.from(`${id} ${part}`));
  /** No id begins with a letter. */
  readonly #list = (key: Buffer): Key => this.#key(Buffer.concat([Buffer.from('k'), key]));

  #key(bytes: Buffer): Key {
    return new this.#records.driver.Key(this.#namespace, this.#set, bytes) as Key;
  }
}

interface ListedParts extends StoredParts {
  readonly begunAt: number;
}

function listOf(bin: unknown): ListedParts[] {
  const entries = bin instanceof Map ? [...(bin as Map<string, unknown>)] : Object.entries(bin ?? {});
  return entries.map(([id, entry]) => {
    const [count, begunAt] = entry as [number, number];
    return { id: Number(id), count, begunAt };
  });
}
