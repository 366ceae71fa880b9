import { openEmbeddedEventLog } from '@millrace/embedded';
import { powerCuts } from '@millrace/testkit';
import type { Proof } from '../proof.ts';

const SEED = 20_261_121;

/** The event log on a simulated disk that loses, at every cut, any part of what was not synced. */
export const proof: Proof = {
  name: 'powercut-log',
  title: '1,000 simulated power cuts: nothing acknowledged is lost, torn, doubled or moved',
  async run({ size, log }) {
    const result = await powerCuts({
      rounds: size === 'full' ? 1_000 : 50,
      seed: SEED,
      open: (disk) =>
        openEmbeddedEventLog({
          directory: '/log',
          disk,
          partitions: 10,
          retentionMs: 24 * 3_600_000,
          maxBytes: 1e12,
          // Small, so that many cuts meet the change from one segment to the next.
          segmentBytes: 20_000,
        }),
    });
    for (const problem of result.problems) log(problem);
    return {
      passed: result.problems.length === 0 && result.acknowledged > 0,
      figures: {
        'power cuts': result.cuts,
        'records acknowledged': result.acknowledged,
        'lost, torn, doubled or moved': result.problems.length,
        'found without acknowledgement (allowed)': result.unacknowledgedFound,
      },
      notes: [`seed ${SEED}; a cut may come at any disk operation, recovery included`],
    };
  },
};
