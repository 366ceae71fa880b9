import { join } from 'node:path';
import { killRounds, seededRandom } from '@millrace/testkit';
import type { Proof } from '../proof.ts';

/** kill -9 at random moments under load: each acknowledged tag counts exactly once, each other one at most once. */
export const proof: Proof = {
  name: 'kill9',
  title: 'kill -9 under load: acknowledged tags count exactly once, others at most once',
  async run(context) {
    const full = context.size === 'full';
    const rounds = full ? 20 : 2;
    const result = await killRounds({
      dataDirectory: join(context.workDirectory, 'data'),
      rounds,
      random: seededRandom(9),
      longestMs: full ? 3000 : 600,
      connections: full ? 32 : 8,
      batchConnections: full ? 2 : 1,
      log: (line) => context.log(line),
    });
    return {
      passed: result.mismatches.length === 0 && result.acknowledged > 0,
      figures: {
        kills: rounds,
        'tags sent': result.sent,
        'tags acknowledged': result.acknowledged,
        'unacknowledged but applied': result.inDoubtApplied,
        'slowest start after a kill, ms': Math.round(Math.max(...result.restartsMs)),
        mismatches: result.mismatches.length,
      },
      notes: result.mismatches.slice(0, 5),
    };
  },
};
