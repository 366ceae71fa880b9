import type { Cluster, Redis } from 'ioredis';

import type { RedisClient } from '../connection.ts';
import { isReply } from '../errors.ts';

/** With `appendfsync everysec` Redis syncs once a second, and stops taking writes when a sync is two seconds late. */
export const SYNC_LAG_MS = 3000;

/**
 * How old a write must be to survive a power loss, milliseconds: 0 where Redis syncs before it answers, undefined where
 * it keeps nothing on disk. The weakest of all masters counts. With replicas a failover may lose what the replica had
 * not received, so there no write counts before it is some seconds old.
 */
export async function syncLag(client: RedisClient): Promise<number | undefined> {
  const servers = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  const lags = await Promise.all(servers.map(lagOf));
  return lags.reduce((most, lag) => (most === undefined || lag === undefined ? undefined : Math.max(most, lag)), 0);
}

async function lagOf(server: Redis): Promise<number | undefined> {
  const info = await server.info();
  if (!/^aof_enabled:1/m.test(info)) return undefined;
  const hasReplicas = !/^connected_slaves:0/m.test(info);
  try {
    const [, fsync] = (await server.config('GET', 'appendfsync')) as readonly string[];
    if (fsync === 'no') return undefined;
    return fsync === 'always' && !hasReplicas ? 0 : SYNC_LAG_MS;
  } catch (error) {
    // Managed servers forbid CONFIG; `everysec` is what they and the default run with.
    if (isReply(error)) return SYNC_LAG_MS;
    throw error;
  }
}
