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
  readonly partition: number;
  readonly offset: Offset;
  readonly appendedAt: number;
}

export interface Duplicates {
  /** By their place in the list of events. */
  readonly places: ReadonlySet<number>;
  /** Remembers the keys of the others. */
  readonly writes: readonly RecordWrite[];
}

/**
 * Tells repeated events. A record remembers the newest event with the key, and the one before: an event that was stored
 * by a commit that never came to its end counts as not seen when its offset comes again.
 */
export class Dedupe {
  readonly #records: Records;
  readonly #keys: StateKeys;
  readonly #policy: RecordWrite['policy'];

  /** @param takesTtl whether the namespace takes a TTL: without, the records of dedupe keys stay */
  constructor(records: Records, keys: StateKeys, takesTtl: boolean) {
    this.#records = records;
    this.#keys = keys;
    this.#policy = records.policy(undefined, takesTtl ? { ttl: TTL_SECONDS } : {});
  }

  async check(
    { events, eventPartitions }: Accepted,
    committed: (partition: number) => Offset | undefined,
  ): Promise<Duplicates> {
    const texts = [...new Set(events.flatMap(({ dedupeKey }) => dedupeKey ?? []))];
    if (texts.length === 0) return { places: new Set(), writes: [] };
    const found = await this.#records.read(texts.map((text) => this.#keys.seen(text)));
    const isApplied = ({ partition, offset }: Seen): boolean => {
      const own = events.some((_, at) => eventPartitions[at] === partition);
      return !own || offset < (committed(partition) ?? 0);
    };
    const before = new Map(texts.map((text, at) => [text, readSeen(found[at]).find(isApplied)]));
    const newest = new Map(before);
    const places = new Set<number>();
    const changed = new Set<string>();
    events.forEach(({ dedupeKey, appendedAt, offset }, at) => {
      if (dedupeKey === undefined) return;
      const seen = newest.get(dedupeKey);
      if (seen !== undefined && appendedAt < seen.appendedAt + DEDUPE_MS) {
        places.add(at);
        return;
      }
      newest.set(dedupeKey, { partition: eventPartitions[at]!, offset, appendedAt });
      changed.add(dedupeKey);
    });
    const writes = [...changed].map((text) => this.#write(text, newest.get(text)!, before.get(text)));
    return { places, writes };
  }

  #write(text: string, newest: Seen, before: Seen | undefined): RecordWrite {
    const { operations: op } = this.#records.driver;
    const operations = [
      op.write('p', newest.partition),
      op.write('o', newest.offset),
      op.write('a', newest.appendedAt),
      ...(before === undefined
        ? []
        : [op.write('pp', before.partition), op.write('po', before.offset), op.write('pa', before.appendedAt)]),
    ];
    return { key: this.#keys.seen(text), operations, policy: this.#policy };
  }
}

/** The newest first. */
function readSeen(bins: Bins | undefined): Seen[] {
  if (bins === undefined) return [];
  return [...seenOf(bins['p'], bins['o'], bins['a']), ...seenOf(bins['pp'], bins['po'], bins['pa'])];
}

const seenOf = (partition: unknown, offset: unknown, appendedAt: unknown): Seen[] =>
  typeof offset === 'number' ? [{ partition: partition as number, offset, appendedAt: appendedAt as number }] : [];
