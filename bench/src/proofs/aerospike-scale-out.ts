import { startMeasuredDatabase } from '../aerospike/measured-database.ts';
import type { Proof } from '../proof.ts';
import { scaleOut } from '../scale-out.ts';
import { startSharedPlatform } from '../shared-platform.ts';

/** The same with the state on Aerospike. */
export const proof: Proof = {
  name: 'aerospike-scale-out',
  title: 'Kafka + Aerospike behind HAProxy, frontend and processor killed, one added: every tag counts exactly once',
  needs: ['kafka', 'haproxy'],
  async run(context) {
    const platform = await startSharedPlatform(startMeasuredDatabase);
    try {
      const { figures, ...result } = await scaleOut(context, platform, 100_000);
      return { ...result, figures: { database: platform.state.name, ...figures } };
    } finally {
      await platform.stop();
    }
  },
};
