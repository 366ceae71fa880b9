import type { Cluster, Redis } from 'ioredis';

import type { RedisClient } from './connection.ts';

/** Calls `prepare` with each connection to a server that the client makes, before it is used. */
export function eachConnection(client: RedisClient, prepare: (connection: Redis) => void): void {
  if (!client.isCluster) {
    prepare(client as Redis);
    return;
  }
  (client as Cluster).on('+node', (node: Redis) => {
    prepare(node);
    // For asking a node who has which slots, the driver takes a copy of it.
    const duplicate = node.duplicate.bind(node);
    node.duplicate = (override) => {
      const copy = duplicate(override);
      prepare(copy);
      return copy;
    };
  });
}
