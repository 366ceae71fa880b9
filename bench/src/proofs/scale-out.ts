import type { Proof } from '../proof.ts';
import { scaleOut } from '../scale-out.ts';
import { redisState, startSharedPlatform } from '../shared-platform.ts';

/** Kafka and Redis, two frontends behind HAProxy, three processors: parts die and join while tags are sent. */
export const proof: Proof = {
  name: 'scale-out',
  title: 'Kafka + Redis behind HAProxy, frontend and processor killed, one added: every tag counts exactly once',
  needs: ['kafka', 'redis', 'haproxy'],
  async run(context) {
    const platform = await startSharedPlatform(redisState);
    try {
      return await scaleOut(context, platform, 300_000);
    } finally {
      await platform.stop();
    }
  },
};
