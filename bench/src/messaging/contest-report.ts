import type { ProofContext, ProofResult } from '../proof.ts';
import { runContest, type Contest, type ContestResult } from './contest.ts';

const SIZES: Readonly<Record<ProofContext['size'], { readonly operations: number; readonly pairs: number }>> = {
  full: { operations: 100_000, pairs: 7 },
  small: { operations: 2000, pairs: 1 },
};

/** Runs the contests one after the other and puts them side by side. */
export async function proveContests(
  contestsOf: (operations: number) => readonly Contest[] | Promise<readonly Contest[]>,
  context: ProofContext,
): Promise<ProofResult> {
  const sizes = SIZES[context.size];
  const contests = await contestsOf(sizes.operations);
  const results: ContestResult[] = [];
  for (const contest of contests) results.push(await runContest(contest, sizes.pairs, context));
  const lost = results.filter(({ won }) => !won);
  return {
    // A small run measures next to other tests: it only shows that both sides do their work.
    passed: context.size === 'small' || lost.length === 0,
    figures: Object.fromEntries(
      results.flatMap(({ name, raw, ours, rateRatio, cpuRatio }, index) => [
        [
          `${name}, per second: raw / Millrace`,
          `${Math.round(raw.perSecond).toLocaleString('en-US')} / ${Math.round(ours.perSecond).toLocaleString('en-US')}`,
        ],
        [`${name}, CPU us: raw / Millrace`, `${raw.cpuUs.toFixed(2)} / ${ours.cpuUs.toFixed(2)}`],
        [
          `${name}, ratios of rate / CPU (${limitOf(contests[index]!)})`,
          `${rateRatio.toFixed(2)} / ${cpuRatio.toFixed(2)}`,
        ],
      ]),
    ),
    notes: lost.map(({ name }) => `${name}: slower than promised`),
  };
}

function limitOf({ limit }: Contest): string {
  if (limit === undefined) return 'no limit';
  const { rateRatio, cpuRatio } = limit;
  return `at least ${rateRatio}${cpuRatio === undefined ? '' : ` / or at most ${cpuRatio}`}`;
}
