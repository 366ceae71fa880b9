import { join } from 'node:path';
import { terminateRound } from '@millrace/testkit';
import type { Proof } from '../proof.ts';

const LONGEST_EXIT_MS = 5000;

/** kill -TERM under load: exit 0 within 5 s, nothing acknowledged lost, the port is free, a second start works. */
export const proof: Proof = {
  name: 'terminate',
  title: 'kill -TERM under load: exit 0 within 5 s, nothing acknowledged lost, the same port starts again',
  async run(context) {
    const full = context.size === 'full';
    const result = await terminateRound({
      dataDirectory: join(context.workDirectory, 'data'),
      loadMs: full ? 5000 : 500,
      connections: full ? 32 : 8,
      batchConnections: full ? 2 : 1,
    });
    return {
      passed:
        result.mismatches.length === 0 &&
        result.acknowledged > 0 &&
        result.exitCode === 0 &&
        // A small run measures next to other tests.
        (!full || result.exitMs < LONGEST_EXIT_MS),
      figures: {
        'tags acknowledged': result.acknowledged,
        'exit code': result.exitCode ?? 'none',
        'time to exit, ms': Math.round(result.exitMs),
        mismatches: result.mismatches.length,
      },
      notes: result.mismatches.slice(0, 5),
    };
  },
};
