import { MillraceError } from '@millrace/core';
import { inUrl, reachable } from './address.ts';
import { Cluster } from './cluster/cluster.ts';
import { Faults } from './faults/faults.ts';
import type { AerospikeDev } from './aerospike-dev.ts';
import type { AerospikeDevOptions } from './options.ts';
import { resolveDevOptions } from './options.ts';
import { Executor } from './server/executor.ts';
import { NodeServer } from './server/node-server.ts';
import { checkWritable, loadSnapshot, saveSnapshot } from './snapshot.ts';
import { Database } from './storage/database.ts';

const NO_PLACE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has the port, choose another --port',
  EACCES: 'ports below 1024 need privileges, choose another --port',
  EADDRNOTAVAIL: 'this machine has no such address, choose another --host',
  ENOTFOUND: 'there is no such host name, choose another --host',
};

function listenError(error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  const { code = '', port: taken = port } = error as NodeJS.ErrnoException & { readonly port?: number };
  const text = NO_PLACE[code];
  if (text === undefined) return error;
  const details = { field: text.endsWith('--host') ? 'host' : 'port', value: `${host}:${taken}`, cause: error };
  return new MillraceError('INVALID_OPTION', `cannot listen on ${host}:${taken}: ${text}`, details);
}

/**
 * Runs the server in this thread. The official client of Node.js blocks its thread while it connects, so it cannot
 * connect to a server in the same thread: use `startAerospikeDev` beside a client.
 *
 * @param onFailure gets what a command failed with that is a mistake of the server; its connection is cut
 * @throws INVALID_OPTION
 */
export async function runAerospikeDev(
  options: AerospikeDevOptions,
  onFailure: (error: unknown) => void,
): Promise<AerospikeDev> {
  const resolved = resolveDevOptions(options);
  const { host, accessAddress, snapshot, nsupPeriodMs } = resolved;
  const database = new Database(resolved.namespaces, {
    defaultTtl: resolved.defaultTtl,
    acceptsTtl: nsupPeriodMs > 0 || resolved.allowTtlWithoutNsup,
    maxRecordBytes: resolved.maxRecordBytes,
    maxBytes: resolved.maxNamespaceBytes,
  });
  if (snapshot !== undefined) {
    await checkWritable(snapshot);
    await loadSnapshot(database, snapshot);
  }
  const faults = new Faults(resolved.seed);
  for (const rule of resolved.faults) faults.add(rule);
  const cluster = new Cluster(resolved.clusterName, resolved.nodes, resolved.replicationFactor);

  const save = async (): Promise<void> => {
    if (snapshot === undefined)
      throw new MillraceError('INVALID_OPTION', 'name a snapshot file at start to save to it');
    await saveSnapshot(database, snapshot);
  };
  const readyAt = Date.now() + resolved.initialisingMs;
  const servers = cluster.nodes.map((node) => {
    const info = {
      cluster,
      node,
      database,
      faults,
      nsupPeriodMs,
      readyAt,
      accessAddress: accessAddress && inUrl(accessAddress),
    };
    return new NodeServer(new Executor(database, cluster, node, faults), info, resolved.maxConnections, onFailure);
  });
  try {
    for (const node of cluster.nodes) {
      const port = resolved.port === 0 ? 0 : resolved.port + node.index;
      node.port = await servers[node.index]!.listen(host, port);
    }
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()));
    throw listenError(error, resolved);
  }
  const sweep = nsupPeriodMs === 0 ? undefined : setInterval(() => database.sweep(), nsupPeriodMs).unref();

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(sweep);
    await Promise.all(servers.map((server) => server.close()));
    if (snapshot !== undefined) await save();
  };
  const ports = cluster.nodes.map(({ port }) => port);
  return {
    hosts: ports
      .map((port) => `${accessAddress === undefined ? reachable(host) : inUrl(accessAddress)}:${port}`)
      .join(','),
    ports,
    port: ports[0]!,
    faults: {
      add: async (rule) => faults.add(rule),
      remove: async (id) => faults.remove(id),
      clear: async () => faults.clear(),
      list: async () => faults.list,
    },
    records: async (name) => {
      const namespace = database.namespace(name);
      if (namespace === undefined) throw new MillraceError('INVALID_ARGUMENT', `there is no namespace ${name}`);
      return namespace.records;
    },
    loseNode: async (index) => {
      const node = cluster.node(index);
      cluster.setUp(node, false);
      await servers[index]!.close();
    },
    returnNode: async (index) => {
      const node = cluster.node(index);
      if (node.up) return;
      await servers[index]!.listen(host, node.port);
      cluster.setUp(node, true);
    },
    movePartitions: async () => cluster.movePartitions(),
    saveSnapshot: save,
    stop: () => (stopped ??= stop()),
  };
}
