import { startKafka, startRedis } from '@millrace/testkit';
import { proveContests } from '../messaging/contest-report.ts';
import { MEASURED_BROKER } from '../messaging/measured-broker.ts';
import { fill, subscribingContests } from '../messaging/subscribing.ts';
import type { Proof } from '../proof.ts';

/** What a subscriber costs on top of its driver. */
export const proof: Proof = {
  name: 'subscribing-rate',
  title:
    'subscribing to 300-byte JSON reaches 0.9 of the raw client, or costs at most 1.15 of its CPU; a log 0.8 of fetch()',
  needs: ['kafka', 'redis'],
  async run(context) {
    const [redis, kafka] = await Promise.all([startRedis(), startKafka(MEASURED_BROKER)]);
    try {
      return await proveContests(async (operations) => {
        await fill(redis, kafka, operations);
        return subscribingContests(redis, kafka, operations);
      }, context);
    } finally {
      await Promise.all([redis.stop(), kafka.stop()]);
    }
  },
};
