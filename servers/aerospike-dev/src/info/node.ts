import type { InfoFamily } from './command.ts';
import { BUILD, pairs } from './command.ts';

/** Who the node is. */
export const nodeCommands: InfoFamily = {
  node: ({ node }) => node.name,
  build: () => BUILD,
  version: () => `Aerospike Community Edition build ${BUILD}`,
  edition: () => 'Aerospike Community Edition',
  release: () => pairs({ edition: 'Aerospike Community Edition', version: BUILD, 'millrace-aerospike-dev': true }),
  status: () => 'ok',
  'cluster-name': ({ cluster }) => cluster.name,
  features: () => 'batch-any;blob-bits;cdt-list;cdt-map;float;pipelining;pquery;pscans;query-show;sindex-exists',
  'user-agent-set': () => 'ok',
  logs: () => '',
  statistics: ({ cluster, database, node }) =>
    pairs({
      cluster_size: cluster.peersOf(node).length + 1,
      cluster_is_member: true,
      cluster_integrity: true,
      objects: database.namespaces.reduce((total, { records }) => total + records, 0),
      uptime: Math.floor(process.uptime()),
    }),
};
