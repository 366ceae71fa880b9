import { startKafka, startRedis, startTcpProxy } from '@millrace/testkit';
import { proveLanes } from '../faults/fault-report.ts';
import { startLogLane } from '../faults/log-lane.ts';
import { startMessageLane } from '../faults/message-lane.ts';
import type { Proof } from '../proof.ts';

/**
 * Only where something is missing it is waited for so long. Longer than the session timeouts, after which the partitions
 * of a member that is gone go on.
 */
const QUIET_MS = 90_000;

/** Topics, and a log on Kafka with its state on Redis, under load, while connections are cut and both are restarted. */
export const proof: Proof = {
  name: 'kafka-faults',
  title: 'Kafka, 20 cuts and 2 restarts under load: topics lose nothing, log + state on Redis count exactly once',
  needs: ['kafka', 'redis'],
  async run(context) {
    const [kafka, redis] = await Promise.all([
      startKafka({ proxy: true }),
      startRedis({ appendOnly: true, appendFsync: 'always' }),
    ]);
    const redisProxy = await startTcpProxy({ target: redis });
    const { url, proxy } = kafka.proxied!;
    try {
      const lanes = await Promise.all([
        startMessageLane({
          name: 'topic',
          guarantee: 'at least once',
          url: `${url}/faults`,
          publishers: 2,
          publisher: { partitions: 6 },
          subscribers: 2,
          subscriber: { group_id: 'faults' },
          quietMs: QUIET_MS,
        }),
        startLogLane({
          name: 'log + state',
          logUrl: `${url}/faults-log?session_timeout=6s`,
          stateUrl: `redis://127.0.0.1:${redisProxy.port}`,
          partitions: 6,
          quietMs: QUIET_MS,
        }),
      ]);
      return await proveLanes(lanes, { proxies: [proxy, redisProxy], servers: [kafka, redis] }, context);
    } finally {
      await redisProxy.stop();
      await Promise.all([kafka.stop(), redis.stop()]);
    }
  },
};
