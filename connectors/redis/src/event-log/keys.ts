/*
 * All keys of a partition carry its hash tag, so they lie in one slot of a Cluster and one script may touch them all.
 *
 * The ID of an entry is `<offset behind its last record>-<number of its records>`. So `XREAD` from `<offset>-<highest>`
 * gives the entry that holds this offset and all behind it, and the first ID of a stream tells its earliest offset.
 */

/** Where a log lies in Redis. */
export class LogKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Hash: number of partitions, version of the format. */
  readonly settings = (): string => `${this.#prefix}:log`;
  /** Stream: the frames. */
  readonly log = (partition: number): string => this.#of(partition, 'log');
  /** Integer: offset behind the last record. */
  readonly next = (partition: number): string => this.#of(partition, 'next');
  /** `<sequence> <to>` of the producer's last frame. */
  readonly producer = (partition: number, producer: string): string => this.#of(partition, `producer:${producer}`);
  /** Hash: group -> the offset below which it will not ask again. */
  readonly released = (partition: number): string => this.#of(partition, 'released');
  /** Sorted set: offset with the time at which it was the next one. */
  readonly times = (partition: number): string => this.#of(partition, 'times');
  /** Member of the group that owns the partition. */
  readonly lease = (partition: number, group: string): string => this.#of(partition, `lease:${group}`);
  /** Sorted set: members of the group with the time at which they count as gone. */
  readonly members = (group: string): string => `${this.#prefix}:members:${group}`;

  #of(partition: number, what: string): string {
    return `${this.#prefix}:{p${partition}}:${what}`;
  }
}

/** Exclusive lower bound of what holds this offset and all behind it. */
export const idBefore = (offset: number): string => `${offset}-18446744073709551615`;

export interface EntryRange {
  readonly from: number;
  readonly to: number;
}

export function rangeOf(id: string): EntryRange {
  const dash = id.indexOf('-');
  const to = Number(id.slice(0, dash));
  return { from: to - Number(id.slice(dash + 1)), to };
}
