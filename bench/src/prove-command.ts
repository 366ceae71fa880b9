import { parseArgs } from 'node:util';
import { MillraceError, nearestSpelling } from '@millrace/core';
import type { Proof } from './proof.ts';
import { formatReport, type ProofReport, runProof } from './run-proof.ts';

const USAGE = `npm run prove                        lists the proofs
npm run prove -- NAME... [options]   runs them at full size; NAME may be "all"
  --small   the size that the tests run
  --json    an array of reports on standard output, progress on standard error`;

export interface ProveEnvironment {
  readonly proofs: readonly Proof[];
  readonly parentDirectory: string;
  readonly signal: AbortSignal;
  /** Writes one line of the result. */
  out(line: string): void;
  /** Writes one line of progress. */
  progress(line: string): void;
}

/**
 * The command `npm run prove`.
 *
 * @returns the exit code: 0 when all that ran is proved
 * @throws INVALID_ARGUMENT for an unknown proof; an error of `node:util` for an unknown option
 */
export async function prove(args: readonly string[], environment: ProveEnvironment): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { small: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help === true || positionals.length === 0) {
    environment.out(`${USAGE}\n\n${list(environment.proofs)}`);
    return 0;
  }
  const reports: ProofReport[] = [];
  for (const proof of chosen(positionals, environment.proofs)) {
    if (environment.signal.aborted) break;
    environment.progress(`${proof.name}: ${proof.title}`);
    const report = await runProof(proof, {
      size: values.small === true ? 'small' : 'full',
      parentDirectory: environment.parentDirectory,
      signal: environment.signal,
      log: (line) => environment.progress(`${proof.name}: ${line}`),
    });
    reports.push(report);
    if (values.json !== true) environment.out(formatReport(report));
  }
  if (values.json === true) environment.out(JSON.stringify(reports, undefined, 2));
  return !environment.signal.aborted && reports.every(({ passed }) => passed) ? 0 : 1;
}

function chosen(names: readonly string[], proofs: readonly Proof[]): readonly Proof[] {
  if (names.includes('all')) return proofs;
  return names.map((name) => {
    const found = proofs.find((proof) => proof.name === name);
    if (found !== undefined) return found;
    const known = proofs.map((proof) => proof.name);
    const nearest = nearestSpelling(name, [...known, 'all']);
    const hint = nearest === undefined ? `there are ${[...known, 'all'].join(', ')}` : `did you mean ${nearest}?`;
    throw new MillraceError('INVALID_ARGUMENT', `no proof is called "${name}": ${hint}`, {
      field: 'NAME',
      value: name,
    });
  });
}

function list(proofs: readonly Proof[]): string {
  const width = Math.max(0, ...proofs.map(({ name }) => name.length));
  return proofs.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join('\n');
}
