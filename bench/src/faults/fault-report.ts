import type { ProofContext, ProofResult } from '../proof.ts';
import type { Guarantee, Lane, LaneResult } from './lane.ts';
import { makeTrouble, type Trouble } from './trouble.ts';

type Shape = Pick<Trouble, 'cuts' | 'restartsPerServer' | 'maxPauseMs'>;

const SIZES: Readonly<Record<ProofContext['size'], Shape>> = {
  full: { cuts: 20, restartsPerServer: 2, maxPauseMs: 2000 },
  small: { cuts: 4, restartsPerServer: 1, maxPauseMs: 300 },
};

const MAY_LOSE: readonly Guarantee[] = ['at most once'];
const MAY_DOUBLE: readonly Guarantee[] = ['at least once', 'at most once'];

/** Makes trouble for the lanes, and holds what became of their messages against what they promise. */
export async function proveLanes(
  lanes: readonly Lane[],
  place: Omit<Trouble, keyof Shape>,
  context: ProofContext,
): Promise<ProofResult> {
  const shape = SIZES[context.size];
  const trouble = await makeTrouble({ ...place, ...shape }, lanes, context).catch(async (error: unknown) => {
    // Publishers and consumers that go on trying would keep the process alive.
    await Promise.allSettled(lanes.map((lane) => lane.finish()));
    throw error;
  });
  const results = await Promise.all(lanes.map(async (lane) => ({ lane, result: await lane.finish() })));
  const problems = results.flatMap(({ lane, result }) => problemsOf(lane, result));
  return {
    passed: problems.length === 0 && trouble.connections >= shape.cuts,
    figures: {
      'cuts / connections reset / restarts': `${shape.cuts} / ${trouble.connections} / ${trouble.restarts}`,
      'longest time until every lane moved again, ms': Math.round(trouble.longestRecoveryMs),
      ...Object.fromEntries(
        results.map(({ lane, result }) => [
          `${lane.name} (${lane.guarantee}): acknowledged / in doubt / lost / doubled`,
          [result.acknowledged, result.inDoubt, result.lost, result.doubled].map(grouped).join(' / '),
        ]),
      ),
    },
    notes: problems,
  };
}

function problemsOf({ name, guarantee }: Lane, { acknowledged, lost, doubled, problems }: LaneResult): string[] {
  const found = problems.map((problem) => `${name}: ${problem}`);
  if (acknowledged === 0) found.push(`${name}: nothing was sent`);
  if (lost > 0 && !MAY_LOSE.includes(guarantee)) found.push(`${name}: ${lost} messages were lost`);
  if (doubled > 0 && !MAY_DOUBLE.includes(guarantee)) found.push(`${name}: ${doubled} messages were doubled`);
  return found;
}

const grouped = (value: number): string => value.toLocaleString('en-US');
