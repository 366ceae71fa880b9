import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Proof, ProofContext, ProofResult } from './proof.ts';

export interface RunOptions extends Pick<ProofContext, 'size' | 'signal' | 'log'> {
  /** Where the work directory is made. */
  readonly parentDirectory: string;
}

/** What one run of a proof came to, as `--json` prints it. */
export interface ProofReport extends ProofResult {
  readonly name: string;
  readonly title: string;
  readonly size: ProofContext['size'];
  readonly seconds: number;
  /** Kept for a look when the proof did not pass. */
  readonly workDirectory?: string;
}

/** Runs one proof in a work directory of its own. Never rejects for the proof's sake: its error becomes a note. */
export async function runProof(proof: Proof, options: RunOptions): Promise<ProofReport> {
  const { parentDirectory, ...rest } = options;
  await mkdir(parentDirectory, { recursive: true });
  const workDirectory = await mkdtemp(join(parentDirectory, `${proof.name}-`));
  const startedAt = performance.now();
  const result = await proof.run({ ...rest, workDirectory }).catch(failed);
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  if (result.passed) await rm(workDirectory, { recursive: true, force: true });
  return {
    name: proof.name,
    title: proof.title,
    size: options.size,
    seconds,
    ...result,
    ...(result.passed ? {} : { workDirectory }),
  };
}

function failed(error: unknown): ProofResult {
  const note = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { passed: false, figures: {}, notes: [note] };
}

/** The report for a person: one line that says it, the figures in columns, the notes. */
export function formatReport(report: ProofReport): string {
  const figures = Object.entries(report.figures).map(
    ([name, value]) => [name, typeof value === 'number' ? value.toLocaleString('en-US') : value] as const,
  );
  const width = Math.max(0, ...figures.map(([name]) => name.length));
  const lines = [
    `${report.passed ? 'proved' : 'FAILED'}  ${report.name} (${report.size}, ${report.seconds} s): ${report.title}`,
    ...figures.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...(report.notes ?? []).map((note) => `  note: ${note}`),
  ];
  if (report.workDirectory !== undefined) lines.push(`  its files are kept in ${report.workDirectory}`);
  return lines.join('\n');
}
