import { runMillrace } from '@millrace/testkit';
import type { ProofContext } from './proof.ts';

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What `millrace load --json` prints, as far as proofs look at it. */
export interface CheckedLoad {
  readonly passed: boolean;
  readonly tags: {
    readonly sent: number;
    readonly acknowledged: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly perSecond: number;
  };
  readonly catchUpMs: number;
  readonly latencyMs: { readonly tags: Latencies; readonly profiles: Latencies; readonly aggregates: Latencies };
  readonly checked: { readonly profiles: number; readonly aggregates: number };
  readonly mismatches: number;
  readonly examples: readonly {
    readonly query: string;
    readonly expected: string;
    readonly got: string;
    /** Right when it was asked again at the end. */
    readonly late: boolean;
  }[];
  readonly interrupted?: string;
}

/**
 * Runs `millrace load` on the platform of this data directory: generated tags and queries, every answer compared with
 * an oracle. Wrong answers are part of the result.
 *
 * @throws an Error with its output when it gives no report
 */
export async function checkedLoad(
  dataDirectory: string,
  args: readonly string[],
  { size, log }: Pick<ProofContext, 'size' | 'log'>,
): Promise<CheckedLoad> {
  const onStderr = (text: string): void => {
    for (const line of text.trimEnd().split('\n')) log(line);
  };
  // A small run is made next to other tests: what is not applied so soon is asked for again at its end.
  const patience = size === 'small' ? ['--freshness', '1h'] : [];
  const command = ['load', '--data', dataDirectory, '--json', ...patience, ...args];
  const { stdout, stderr, code } = await runMillrace(command, { onStderr });
  if (stdout === '') throw new Error(`millrace load ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as CheckedLoad;
}

/** What went wrong in a run, for a person. */
export function problemsOf({ interrupted, tags, examples }: CheckedLoad): readonly string[] {
  return [
    ...(interrupted === undefined ? [] : [`the run ended early: ${interrupted}`]),
    ...Object.entries(tags.refused).map(([status, count]) => `${count} tags were answered with status ${status}`),
    ...examples
      .slice(0, 5)
      .map(
        ({ query, expected, got, late }) =>
          `${query}${late ? ' (late)' : ''}\n  expected ${expected}\n  got      ${got}`,
      ),
  ];
}
