import type { Accepted } from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import type { StateKeys } from './keys.ts';

/** How long, in append time, a dedupe key is remembered. */
export const DEDUPE_MS = 10 * 60_000;

/** Looks dedupe keys up. Only the owner of a partition commits to it, so what was read holds until its commit. */
export class Dedupe {
  readonly #link: BoundedLink;
  readonly #keys: StateKeys;

  constructor(link: BoundedLink, keys: StateKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Which of the events, by their place in the list, have been seen in their partition within the window. */
  async duplicates({ events, eventPartitions }: Accepted): Promise<ReadonlySet<number>> {
    const keyed = new Map<number, number[]>();
    events.forEach(({ dedupeKey }, at) => {
      if (dedupeKey === undefined) return;
      const partition = eventPartitions[at]!;
      const places = keyed.get(partition);
      if (places === undefined) keyed.set(partition, [at]);
      else places.push(at);
    });
    const duplicates = new Set<number>();
    await Promise.all(
      [...keyed].map(async ([partition, places]) => {
        const texts = places.map((at) => events[at]!.dedupeKey!);
        const stored = await this.#link.run((client) => client.zmscore(this.#keys.seen(partition), texts));
        const seen = new Map(texts.map((text, index) => [text, toTime(stored[index])]));
        for (const at of places) {
          const { dedupeKey, appendedAt } = events[at]!;
          const seenAt = seen.get(dedupeKey!);
          if (seenAt !== undefined && appendedAt < seenAt + DEDUPE_MS) duplicates.add(at);
          else seen.set(dedupeKey!, appendedAt);
        }
      }),
    );
    return duplicates;
  }
}

const toTime = (score: string | null | undefined): number | undefined => (score == null ? undefined : Number(score));
