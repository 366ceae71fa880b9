import type { ProofContext } from '../proof.ts';

/** Two ways to do the same, one after the other: a driver as a good engineer uses it, and Millrace on that driver. */
export interface Contest {
  readonly name: string;
  readonly raw: Contender;
  readonly ours: Contender;
  /** Of one run. */
  readonly operations: number;
  /** Enough when either holds: ours to raw. Without `cpuRatio` only the rate counts; without a limit nothing is promised. */
  readonly limit?: { readonly rateRatio: number; readonly cpuRatio?: number };
}

export interface Contender {
  /** What is not measured: connections, groups of their own. */
  prepare(): Promise<Run>;
}

export interface Run {
  /**
   * Resolves when all operations are confirmed.
   *
   * @param begin starts the measurement anew, where the first operation has to be waited for
   */
  work(begin: () => void): Promise<void>;
  end(): Promise<void>;
}

export interface Side {
  readonly perSecond: number;
  /** CPU of this process, all threads; microseconds per operation. */
  readonly cpuUs: number;
}

export interface ContestResult {
  readonly name: string;
  /** Medians. */
  readonly raw: Side;
  readonly ours: Side;
  /** Medians of the ratios of each pair. */
  readonly rateRatio: number;
  readonly cpuRatio: number;
  readonly won: boolean;
}

/** So many interleaved pairs, after one that does not count; raw first in every other one, so that a noisy machine is noisy for both. */
export async function runContest(contest: Contest, pairs: number, context: ProofContext): Promise<ContestResult> {
  const measured: { readonly raw: Side; readonly ours: Side }[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    context.signal.throwIfAborted();
    const sides = new Map<'raw' | 'ours', Side>();
    for (const side of pair % 2 === 0 ? (['raw', 'ours'] as const) : (['ours', 'raw'] as const)) {
      sides.set(side, await measure(contest[side], contest.operations));
    }
    // The first one warms up both.
    if (pair > 0) measured.push({ raw: sides.get('raw')!, ours: sides.get('ours')! });
  }
  const { name, limit } = contest;
  const rateRatio = median(measured.map(({ raw, ours }) => ours.perSecond / raw.perSecond));
  const cpuRatio = median(measured.map(({ raw, ours }) => ours.cpuUs / raw.cpuUs));
  const won =
    limit === undefined || rateRatio >= limit.rateRatio || (limit.cpuRatio !== undefined && cpuRatio <= limit.cpuRatio);
  context.log(`${name}: rate ${rateRatio.toFixed(2)}, CPU ${cpuRatio.toFixed(2)}`);
  return {
    name,
    raw: medians(measured.map(({ raw }) => raw)),
    ours: medians(measured.map(({ ours }) => ours)),
    rateRatio,
    cpuRatio,
    won,
  };
}

async function measure(contender: Contender, operations: number): Promise<Side> {
  const run = await contender.prepare();
  try {
    let startedAt = performance.now();
    let cpuBefore = process.cpuUsage();
    await run.work(() => {
      startedAt = performance.now();
      cpuBefore = process.cpuUsage();
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { perSecond: operations / seconds, cpuUs: (user + system) / operations };
  } finally {
    await run.end();
  }
}

const medians = (sides: readonly Side[]): Side => ({
  perSecond: median(sides.map(({ perSecond }) => perSecond)),
  cpuUs: median(sides.map(({ cpuUs }) => cpuUs)),
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
