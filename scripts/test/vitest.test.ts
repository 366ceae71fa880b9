import { expect, it } from 'vitest';
import { countTests, type VitestReport } from '../lib/vitest.ts';

const report: VitestReport = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ],
};

it('counts tests, and tests still to be written as skipped', () => {
  expect(countTests(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 3 });
});

it('counts a file that cannot be loaded as one failure', () => {
  const broken = { status: 'failed', assertionResults: [] };
  expect(countTests({ ...report, testResults: [...report.testResults, broken] }, 1).failed).toBe(2);
});

it('counts a failure when no test failed but the run did, or left no report', () => {
  expect(countTests({ ...report, numFailedTests: 0, testResults: [] }, 1).failed).toBe(1);
  expect(countTests(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
