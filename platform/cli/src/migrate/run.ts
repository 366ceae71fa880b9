import type { AerospikeV1, V1Tag } from '@millrace/aerospike';
import type { MillraceError } from '@millrace/core';
import type { MigrationProgress, MigrationTarget } from './target.ts';

export interface MigrationRun {
  readonly source: AerospikeV1;
  readonly target: MigrationTarget;
  readonly from: MigrationProgress;
  readonly signal: AbortSignal;
  /** Is told of each record and tag that cannot be read. */
  readonly onProblem: (problem: MillraceError) => void;
  /** Called when all up to there is safe. */
  readonly saved: (progress: MigrationProgress) => Promise<void>;
}

export const NOTHING_YET: MigrationProgress = {
  next: 0,
  position: 0,
  profiles: 0,
  unreadable: 0,
  damagedTags: 0,
  refused: 0,
  tags: { views: 0, viewsPrice: 0, buys: 0, buysPrice: 0 },
  minutes: [],
};

/** Moves the tags of all profiles. Ends early when the signal aborts; then the same call goes on from there. */
export async function runMigration(run: MigrationRun): Promise<MigrationProgress> {
  const { source, target, from, signal, onProblem, saved } = run;
  let progress = from;
  const minutes = new Set(from.minutes);
  for await (const { next, profiles, unreadable, damagedTags, problems } of source.profiles(from.next)) {
    for (const problem of problems) onProblem(problem);
    const tags = { ...progress.tags };
    const lines: string[] = [];
    for (const { views, buys } of profiles) {
      // Oldest first, which is the order of their arrival.
      for (const tag of [...views, ...buys].toSorted(byTime)) {
        const kind = tag.action === 'BUY' ? 'buys' : 'views';
        tags[kind]++;
        tags[`${kind}Price`] += tag.product_info.price;
        minutes.add(Math.floor(Date.parse(tag.time) / 60_000) * 60);
        lines.push(JSON.stringify(tag));
      }
    }
    const refused = progress.refused + (await target.write(lines));
    progress = {
      next,
      position: target.position,
      profiles: progress.profiles + profiles.length,
      unreadable: progress.unreadable + unreadable,
      damagedTags: progress.damagedTags + damagedTags,
      refused,
      tags,
      minutes: [...minutes],
    };
    await saved(progress);
    if (signal.aborted) break;
  }
  return progress;
}

const byTime = (a: V1Tag, b: V1Tag): number => Date.parse(a.time) - Date.parse(b.time);
