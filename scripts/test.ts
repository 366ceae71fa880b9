// `npm test` runs the checks and all tests; `npm test -- PATTERN...` runs the test files that match. The last line says
// how many passed, failed and were skipped, a check counting as one test.
import { join } from 'node:path';
import { runChecks } from './lib/checks.ts';
import { runVitest } from './lib/vitest.ts';

const root = join(import.meta.dirname, '..');
const patterns = process.argv.slice(2);

const counts = patterns.length === 0 ? [await runChecks(root)] : [];
counts.push(await runVitest(root, patterns));

const sum = (outcome: 'passed' | 'failed' | 'skipped') => counts.reduce((total, count) => total + count[outcome], 0);
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
