import type { Offset } from '@millrace/core';
import type { Accepted } from '@millrace/core/state';

import type { Bins, Records, RecordWrite } from '../records.ts';
import type { StateKeys } from './keys.ts';

/** How long, in append time, a dedupe key is remembered. */
export const DEDUPE_MS = 10 * 60_000;
/** How long its record lives by the clock of the server, where it takes TTLs: processing may lag behind the log. */
const TTL_SECONDS = 6 * 3600;

/** The event that brought a dedupe key. */
interface Seen {
  readonly offset: Offset;
  readonly appendedAt: number;
}

/** Whose commit it is, and where it begins. */
interface Commit {
  readonly epoch: number;
  readonly from: Offset;
}

export interface Duplicates {
  /** By their place in the list of events. */
  readonly places: ReadonlySet<number>;
  /** Remembers the keys of the others. */
  readonly writes: readonly RecordWrite[];
}

/**
 * Tells repeated events of a partition. A record remembers the newest event with the key, and the one before: an event
 * that was stored by a commit that never came to its end counts as not seen when its offset comes again.
 */
export class Dedupe {
  readonly #records: Records;
  readonly #keys: StateKeys;
  readonly #takesTtl: boolean;

  /** @param takesTtl whether the namespace takes a TTL: without, the records of dedupe keys stay */
  constructor(records: Records, keys: StateKeys, takesTtl: boolean) {
    this.#records = records;
    this.#keys = keys;
    this.#takesTtl = takesTtl;
  }

  async check(
    { events, eventPartitions }: Pick<Accepted, 'events' | 'eventPartitions'>,
    commitOf: (partition: number) => Commit,
  ): Promise<Duplicates> {
    const partitions = new Map<string, number>();
    const names = events.map(({ dedupeKey }, at) => {
      if (dedupeKey === undefined) return undefined;
      const name = `${eventPartitions[at]!} ${dedupeKey}`;
      partitions.set(name, eventPartitions[at]!);
      return name;
    });
    if (partitions.size === 0) return { places: new Set(), writes: [] };
    const found = await this.#records.read([...partitions.keys()].map(this.#keys.seen));
    const before = new Map(
      [...partitions].map(([name, partition], at) => [
        name,
        readSeen(found[at]).find(({ offset }) => offset < commitOf(partition).from),
      ]),
    );
    const newest = new Map(before);
    const places = new Set<number>();
    const changed = new Set<string>();
    events.forEach(({ appendedAt, offset }, at) => {
      const name = names[at];
      if (name === undefined) return;
      const seen = newest.get(name);
      if (seen !== undefined && appendedAt < seen.appendedAt + DEDUPE_MS) {
        places.add(at);
        return;
      }
      newest.set(name, { offset, appendedAt });
      changed.add(name);
    });
    const policies = new Map([...new Set(partitions.values())].map((one) => [one, this.#policy(commitOf(one))]));
    const writes = [...changed].map((name): RecordWrite => {
      const partition = partitions.get(name)!;
      const operations = this.#operations(commitOf(partition), newest.get(name)!, before.get(name));
      return { key: this.#keys.seen(name), operations, policy: policies.get(partition)! };
    });
    return { places, writes };
  }

  /** Keeps out what an owner that was taken over, or an attempt long given up, still brings: a later commit knows more. */
  #policy({ epoch, from }: Commit): RecordWrite['policy'] {
    const { exp } = this.#records.driver;
    const isEarlier = exp.lt(exp.binInt('e'), exp.int(epoch));
    const isOwn = exp.and(exp.eq(exp.binInt('e'), exp.int(epoch)), exp.le(exp.binInt('f'), exp.int(from)));
    const filter = exp.or(exp.not(exp.binExists('e')), isEarlier, isOwn);
    return this.#records.policy(filter, this.#takesTtl ? { ttl: TTL_SECONDS } : {});
  }

  #operations({ epoch, from }: Commit, newest: Seen, before: Seen | undefined): RecordWrite['operations'] {
    const { operations: op } = this.#records.driver;
    return [
      op.write('e', epoch),
      op.write('f', from),
      op.write('o', newest.offset),
      op.write('a', newest.appendedAt),
      ...(before === undefined ? [] : [op.write('po', before.offset), op.write('pa', before.appendedAt)]),
    ];
  }
}

/** The newest first. */
function readSeen(bins: Bins | undefined): Seen[] {
  if (bins === undefined) return [];
  return [...seenOf(bins['o'], bins['a']), ...seenOf(bins['po'], bins['pa'])];
}

const seenOf = (offset: unknown, appendedAt: unknown): Seen[] =>
  typeof offset === 'number' ? [{ offset, appendedAt: appendedAt as number }] : [];
