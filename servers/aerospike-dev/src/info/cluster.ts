import { PARTITIONS } from '../protocol/constants.ts';
import type { InfoContext, InfoFamily } from './command.ts';

/** Which nodes there are, and which partitions they own. */
export const clusterCommands: InfoFamily = {
  'peers-clear-std': peers,
  'peers-clear-alt': peers,
  'peers-generation': ({ cluster }) => `${cluster.peersGeneration}`,
  'partition-generation': ({ cluster, readyAt }) => (Date.now() < readyAt ? '-1' : `${cluster.partitionGeneration}`),
  'rebalance-generation': ({ cluster }) => `${cluster.partitionGeneration}`,
  'service-clear-std': address,
  'service-clear-alt': address,
  service: address,
  services: ({ cluster, node, address: host }) =>
    cluster
      .peersOf(node)
      .map(({ port }) => `${host}:${port}`)
      .join(';'),
  partitions: () => `${PARTITIONS}`,
  'cluster-stable': ({ cluster }) => cluster.partitionGeneration.toString(16).toUpperCase().padStart(12, '0'),
  'rack-ids': ({ database }) => database.namespaces.map(({ name }) => `${name}:0`).join(';'),
  replicas: ({ cluster, database, node }) => {
    const { replicationFactor } = cluster;
    const maps = Array.from({ length: replicationFactor }, (_, rank) =>
      cluster.ownership(node, rank).toString('base64'),
    );
    // Regime 0: the namespaces favour availability over strong consistency.
    return database.namespaces.map(({ name }) => `${name}:0,${replicationFactor},${maps.join(',')};`).join('');
  },
};

function peers({ cluster, node, address: host }: InfoContext): string {
  const listed = cluster.peersOf(node).map(({ name, port }) => `[${name},,[${host}:${port}]]`);
  return `${cluster.peersGeneration},3000,[${listed.join(',')}]`;
}

function address({ node, address: host }: InfoContext): string {
  return `${host}:${node.port}`;
}
