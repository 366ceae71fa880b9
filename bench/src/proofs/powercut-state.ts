import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '@millrace/testkit';
import { Trial } from '../powercut/trial.ts';
import type { Proof } from '../proof.ts';

const SEED = 20_261_121;
/** So many cuts hit the same log and state before new ones are taken. */
const CUTS_PER_TRIAL = 10;

/** The event log on a simulated disk, the state on LevelDB, and the processor between them: all lose power at once. */
export const proof: Proof = {
  name: 'powercut-state',
  title: '1,000 simulated power cuts of log and state together: what was acknowledged is counted exactly once',
  async run({ size, workDirectory, signal, log }) {
    const random = seededRandom(SEED);
    const cuts = size === 'full' ? 1_000 : 20;
    const total = { acknowledged: 0, found: 0, tornCommits: 0, problems: 0 };
    for (let cut = 1; cut <= cuts && !signal.aborted;) {
      const directory = join(workDirectory, `trial-${cut}`);
      await mkdir(directory);
      const trial = new Trial({ directory, random });
      for (let i = 0; i < CUTS_PER_TRIAL && cut <= cuts; i++, cut++) {
        await trial.liveUntilCut();
        const problems = await trial.check();
        total.problems += problems.length;
        for (const problem of problems) log(`cut ${cut}: ${problem}`);
      }
      total.acknowledged += trial.tags.acknowledged;
      total.found += trial.tags.found;
      total.tornCommits += trial.tornCommits;
    }
    return {
      passed:
        total.problems === 0 &&
        total.acknowledged > 0 &&
        (total.tornCommits > 0 || size === 'small') &&
        !signal.aborted,
      figures: {
        'power cuts': cuts,
        'of them while a commit of the state was under way': total.tornCommits,
        'tags acknowledged': total.acknowledged,
        'lost, doubled, or in timelines and rollups unequally': total.problems,
        'found without acknowledgement (allowed)': total.found,
      },
      notes: [
        `seed ${SEED}; a cut may come at any disk operation of the log; of a commit under way any sectors are lost`,
        'LevelDB does its own file operations, so a cut within its opening is not among these',
      ],
    };
  },
};
