import { run } from './run.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** What to do when it fails. */
  readonly hint: string;
}

/** Everything that can be said about the sources without running them. */
const CHECKS: readonly Check[] = [
  { name: 'types', command: ['tsc'], hint: 'correct the types named above' },
  {
    name: 'build',
    command: ['tsc', '-b', 'tsconfig.build.json'],
    hint: 'a package must build alone: check the references in its tsconfig.build.json',
  },
  {
    name: 'lint and imports',
    command: ['oxlint', '--deny-warnings'],
    hint: 'correct the places named above; who may import whom stands in scripts/lint/rooms.mjs',
  },
  { name: 'format', command: ['oxfmt', '--check'], hint: 'run `npm run format`' },
];

/** Runs all checks, also after one has failed. */
export async function runChecks(root: string): Promise<Counts> {
  const failed: Check[] = [];
  for (const check of CHECKS) {
    process.stdout.write(`check ${check.name}: ${check.command.join(' ')}\n`);
    if ((await run(check.command, root)) !== 0) failed.push(check);
  }
  for (const { name, hint } of failed) process.stdout.write(`check ${name} FAILED: ${hint}\n`);
  return { passed: CHECKS.length - failed.length, failed: failed.length, skipped: 0 };
}
