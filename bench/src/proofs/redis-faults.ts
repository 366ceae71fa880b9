import { startRedis, startTcpProxy } from '@millrace/testkit';
import { proveLanes } from '../faults/fault-report.ts';
import { startLogLane } from '../faults/log-lane.ts';
import { startMessageLane } from '../faults/message-lane.ts';
import type { Proof } from '../proof.ts';

/** Only where something is missing it is waited for so long. */
const QUIET_MS = 90_000;
/** On a channel something may be missing at any time. */
const CHANNEL_QUIET_MS = 5000;

/** Everything that Redis can carry, under load, while its connections are cut and it is restarted. */
export const proof: Proof = {
  name: 'redis-faults',
  title: 'Redis, 20 cuts and 2 restarts under load: keys and streams lose nothing, log + state count exactly once',
  needs: ['redis'],
  async run(context) {
    const redis = await startRedis({ appendOnly: true, appendFsync: 'always' });
    const proxy = await startTcpProxy({ target: redis });
    const at = `127.0.0.1:${proxy.port}`;
    const shared = { quietMs: QUIET_MS, publishers: 2 };
    try {
      const lanes = await Promise.all([
        startMessageLane({
          ...shared,
          name: 'keys',
          guarantee: 'at least once',
          url: `redis://${at}/faults`,
          subscribers: 1,
          subscriber: { delete_on_read: true },
        }),
        startMessageLane({
          ...shared,
          name: 'stream',
          guarantee: 'at least once',
          url: `redisstream://${at}/faults-stream`,
          subscribers: 2,
          subscriber: { group: 'faults' },
        }),
        startMessageLane({
          ...shared,
          name: 'channel',
          guarantee: 'at most once',
          quietMs: CHANNEL_QUIET_MS,
          url: `redischannel://${at}/faults-channel`,
          subscribers: 1,
        }),
        startLogLane({
          name: 'log + state',
          logUrl: `redis://${at}?prefix=faults-log&lease=1s`,
          stateUrl: `redis://${at}?prefix=faults-state`,
          partitions: 6,
          quietMs: QUIET_MS,
        }),
      ]);
      return await proveLanes(lanes, { proxies: [proxy], servers: [redis] }, context);
    } finally {
      await proxy.stop();
      await redis.stop();
    }
  },
};
