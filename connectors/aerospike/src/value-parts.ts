import type { Key, Records } from './records.ts';

/** Larger values are stored in parts of this size: a record has 1 MiB at most, and is written anew by every change. */
export const PART_BYTES = 192 * 1024;
const BYTES_BIN = 'v';

/**
 * Parts of large values, in records of their own. They belong to one write of the key, never change, and are stored
 * before the key names them; so a reader has all parts of one write, or none.
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

  /** How many parts were stored; 0 for a value that fits its key's record. */
  async store(id: number, value: Uint8Array, ttl: number): Promise<number> {
    const count = value.length > PART_BYTES ? Math.ceil(value.length / PART_BYTES) : 0;
    const { operations: op } = this.#records.driver;
    const policy = this.#records.policy(undefined, { ttl });
    // One after the other: a batch of them would be far larger than what a connection should carry at once.
    for (let part = 0; part < count; part++) {
      const bytes = Buffer.from(value.subarray(part * PART_BYTES, (part + 1) * PART_BYTES));
      await this.#records.write([{ key: this.#key(id, part), operations: [op.write(BYTES_BIN, bytes)], policy }]);
    }
    return count;
  }

  /** Undefined when a part is gone, because the key was written again meanwhile. */
  async load(id: number, count: number): Promise<Buffer | undefined> {
    const found = await this.#records.read(this.#keys(id, count));
    const parts = found.flatMap((bins) => (bins === undefined ? [] : [bins[BYTES_BIN] as Buffer]));
    return parts.length === count ? Buffer.concat(parts) : undefined;
  }

  async remove(id: number, count: number): Promise<void> {
    if (count > 0) await this.#records.remove(this.#keys(id, count));
  }

  #keys(id: number, count: number): Key[] {
    return Array.from({ length: count }, (_, part) => this.#key(id, part));
  }

  #key(id: number, part: number): Key {
    return new this.#records.driver.Key(this.#namespace, this.#set, Buffer.from(`${id} ${part}`)) as Key;
  }
}
