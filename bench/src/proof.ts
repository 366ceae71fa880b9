import type { ServerName } from '@millrace/testkit';

/**
 * A proof shows one promise of Millrace with real processes and real files, and puts a figure on it. Each lives in
 * `bench/src/proofs/<name>.ts`, exports `proof`, and runs at full size by `npm run prove -- <name>`; the tests run the
 * same code small.
 */
export interface Proof {
  /** The file's name without `.ts`. */
  readonly name: string;
  /** What it shows, in one line. */
  readonly title: string;
  /** Servers that must be on this machine. Default none. */
  readonly needs?: readonly ServerName[];
  /** A rejection counts as not passed. */
  run(context: ProofContext): Promise<ProofResult>;
}

export interface ProofContext {
  /** `small` takes seconds and is part of the tests; `full` is the size that the promise speaks of. */
  readonly size: 'full' | 'small';
  /** An empty directory on a real disk, removed afterwards unless the proof failed. */
  readonly workDirectory: string;
  /** Aborts when the user interrupts: stop what was started, then settle. */
  readonly signal: AbortSignal;
  /** Tells the user how far it has got. */
  readonly log: (line: string) => void;
}

export interface ProofResult {
  readonly passed: boolean;
  /** What was measured: a name with its unit, and the value. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** What the reader must know to judge the figures. */
  readonly notes?: readonly string[];
}
