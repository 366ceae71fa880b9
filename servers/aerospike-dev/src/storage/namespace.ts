import { PARTITIONS } from '../protocol/constants.ts';
import type { StoredRecord } from './record.ts';
import { isExpired, recordBytes } from './record.ts';
import type { SecondaryIndex } from './secondary-index.ts';

export interface NamespaceSettings {
  /** Life of a record written without a TTL, in seconds; 0 = for ever. */
  readonly defaultTtl: number;
  /** Whether a TTL may be set at all: without the sweep nothing would remove the record. */
  readonly acceptsTtl: boolean;
  /** Largest record in bytes. */
  readonly maxRecordBytes: number;
  /** Writes are refused above this many bytes. */
  readonly maxBytes: number;
}

export interface SetCounters {
  records: number;
  bytes: number;
  /** When it was truncated, in milliseconds since 1970; 0 = never. */
  truncatedAt: number;
}

/** The partition of a record: the first twelve bits of its digest, lowest byte first. */
export const partitionOf = (digest: string): number =>
  (digest.charCodeAt(0) | (digest.charCodeAt(1) << 8)) & (PARTITIONS - 1);

/** All records of one namespace, by partition. */
export class Namespace {
  readonly name: string;
  readonly settings: NamespaceSettings;
  readonly indexes = new Map<string, SecondaryIndex>();
  readonly #partitions = Array.from({ length: PARTITIONS }, () => new Map<string, StoredRecord>());
  readonly #sets = new Map<string, SetCounters>();
  #records = 0;
  #bytes = 0;
  /** Records that expire some day: without any, a sweep has nothing to look for. */
  #expiring = 0;
  expired = 0;

  constructor(name: string, settings: NamespaceSettings) {
    this.name = name;
    this.settings = settings;
  }

  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Counters by set; the records without a set are under the empty name. */
  get sets(): ReadonlyMap<string, Readonly<SetCounters>> {
    return this.#sets;
  }

  get(digest: string): StoredRecord | undefined {
    const record = this.#partitions[partitionOf(digest)]!.get(digest);
    if (record === undefined || record.voidTime === 0 || !isExpired(record, Date.now())) return record;
    this.#expire(digest, record);
    return undefined;
  }

  /** Puts a new record, or one in the place of `existing`. */
  set(digest: string, existing: StoredRecord | undefined, record: StoredRecord): void {
    this.#partitions[partitionOf(digest)]!.set(digest, record);
    if (existing !== undefined) this.#count(existing, -1);
    this.#count(record, 1);
  }

  delete(digest: string, record: StoredRecord): void {
    this.#partitions[partitionOf(digest)]!.delete(digest);
    this.#count(record, -1);
  }

  /** Records of one partition by ascending digest, from the one after `after`. */
  *partition(id: number, after = ''): Generator<[digest: string, record: StoredRecord]> {
    const records = this.#partitions[id]!;
    const now = Date.now();
    const digests = [...records.keys()].filter((digest) => after === '' || digest > after).toSorted();
    for (const digest of digests) {
      const record = records.get(digest);
      if (record !== undefined && !isExpired(record, now)) yield [digest, record];
    }
  }

  /** Every record that has not expired. */
  *all(): Generator<[digest: string, record: StoredRecord]> {
    const now = Date.now();
    for (const records of this.#partitions) {
      for (const entry of records) if (!isExpired(entry[1], now)) yield entry;
    }
  }

  /** Removes what has expired. */
  sweep(): void {
    if (this.#expiring === 0) return;
    const now = Date.now();
    for (const records of this.#partitions) {
      for (const [digest, record] of records) if (isExpired(record, now)) this.#expire(digest, record);
    }
  }

  /** Removes the records of a set, or of the whole namespace, that were last written before that time. */
  truncate(set: string | undefined, before: number): void {
    for (const records of this.#partitions) {
      for (const [digest, record] of records) {
        if ((set === undefined || record.set === set) && record.lastUpdate <= before) this.delete(digest, record);
      }
    }
    for (const [name, counters] of this.#sets) if (set === undefined || name === set) counters.truncatedAt = before;
  }

  #expire(digest: string, record: StoredRecord): void {
    this.delete(digest, record);
    this.expired++;
  }

  #count(record: StoredRecord, sign: 1 | -1): void {
    const bytes = sign * recordBytes(record);
    let set = this.#sets.get(record.set);
    if (set === undefined) {
      set = { records: 0, bytes: 0, truncatedAt: 0 };
      this.#sets.set(record.set, set);
    }
    set.records += sign;
    set.bytes += bytes;
    this.#records += sign;
    this.#bytes += bytes;
    if (record.voidTime !== 0) this.#expiring += sign;
  }
}
