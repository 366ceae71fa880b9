import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts } from './checks.ts';
import { run } from './run.ts';

/** The part of vitest's JSON report that is counted. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** Runs vitest on the files that match the patterns, all without one. */
export async function runVitest(root: string, patterns: readonly string[]): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const file = join(directory, 'report.json');
  try {
    const code = await run(
      ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...patterns],
      root,
    );
    const report = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as VitestReport) : undefined;
    return countTests(report, code);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A run that failed counts at least one failure, also when no single test is to blame. */
export function countTests(report: VitestReport | undefined, exitCode: number): Counts {
  const tests = report ?? {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };
  // A file that cannot be loaded is failed without having a failed test.
  const brokenFiles = tests.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = tests.numFailedTests + brokenFiles.length;
  return {
    passed: tests.numPassedTests,
    failed: exitCode === 0 ? failed : Math.max(1, failed),
    skipped: tests.numPendingTests + tests.numTodoTests,
  };
}
