import type { AerospikeDev, AerospikeDevOptions } from '@millrace/aerospike-dev';

import { freePort } from './free-port.ts';

/** `aerospike://host:3000/namespace` of a real server that the suites shall run against. */
const REAL_URL = process.env['AEROSPIKE_URL'];

/**
 * Whether `startAerospike` starts the development server, for `describe.runIf(onAerospikeDev)`: faults, lost nodes and
 * settings at start are nothing that a real server can be told.
 */
export const onAerospikeDev = REAL_URL === undefined;

export interface AerospikeServer {
  /** `host:port,host:port`, as the official client takes it. */
  readonly hosts: string;
  /** The namespace to work in. A real one keeps its records between two runs: use sets of your own. */
  readonly namespace: string;
  /** `aerospike://HOSTS/NAMESPACE`, with the options that stand in `AEROSPIKE_URL`. */
  readonly url: string;
  /** What only the development server can do: faults, lost nodes, its count of records. */
  readonly dev: AerospikeDev | undefined;
  /** Ends the development server; a real one goes on. */
  stop(): Promise<void>;
}

/**
 * The real server that `AEROSPIKE_URL` names, or a development server with these options, by default one node with the
 * namespaces `test` and `other`.
 *
 * @throws Error for an `AEROSPIKE_URL` without hosts or namespace
 */
export async function startAerospike(options: AerospikeDevOptions = {}): Promise<AerospikeServer> {
  if (REAL_URL !== undefined) return realServer(REAL_URL);
  // Loaded here so that no other suite pays for it.
  const { startAerospikeDev } = await import('@millrace/aerospike-dev');
  // Not of the system's choice: a node that is lost wants its port again.
  const port = await freePort(options.nodes);
  const dev = await startAerospikeDev({ port, namespaces: ['test', 'other'], ...options });
  const namespace = options.namespaces?.[0] ?? 'test';
  const { hosts } = dev;
  return { hosts, namespace, url: `aerospike://${hosts}/${namespace}`, dev, stop: () => dev.stop() };
}

function realServer(url: string): AerospikeServer {
  const [, hosts, namespace] = /^aerospike:\/\/([^/?]+)\/([^/?]+)/.exec(url) ?? [];
  if (hosts === undefined || namespace === undefined) {
    throw new Error(`AEROSPIKE_URL is ${url}: write aerospike://localhost:3000/test`);
  }
  return { hosts, namespace, url, dev: undefined, stop: async () => {} };
}
