import type { Cluster, Redis } from 'ioredis';

import type { RedisClient } from '../connection.ts';

/** Memory of all masters, bytes: with whatever else they hold. */
export async function usedMemory(client: RedisClient): Promise<number> {
  const servers = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  const infos = await Promise.all(servers.map((server) => server.info('memory')));
  return infos.reduce((sum, info) => sum + Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0), 0);
}
