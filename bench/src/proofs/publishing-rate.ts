import { startKafka, startRedis } from '@millrace/testkit';
import { proveContests } from '../messaging/contest-report.ts';
import { createOrdersTopic, publishingContests } from '../messaging/publishing.ts';
import { MEASURED_BROKER } from '../messaging/measured-broker.ts';
import type { Proof } from '../proof.ts';

/** What a publisher costs on top of its driver. */
export const proof: Proof = {
  name: 'publishing-rate',
  title: 'publishing 300-byte JSON reaches 0.9 of the raw client, or costs at most 1.15 of its CPU',
  needs: ['kafka', 'redis'],
  async run(context) {
    const [redis, kafka] = await Promise.all([startRedis(), startKafka(MEASURED_BROKER)]);
    try {
      await createOrdersTopic(kafka);
      return await proveContests((operations) => publishingContests(redis, kafka, operations), context);
    } finally {
      await Promise.all([redis.stop(), kafka.stop()]);
    }
  },
};
