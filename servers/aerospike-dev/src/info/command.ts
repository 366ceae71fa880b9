import type { Cluster, ClusterNode } from '../cluster/cluster.ts';
import type { Faults } from '../faults/faults.ts';
import type { Database } from '../storage/database.ts';

/** What an info command of every connection can see. */
export interface NodeInfo {
  readonly cluster: Cluster;
  readonly node: ClusterNode;
  readonly database: Database;
  readonly faults: Faults;
  readonly nsupPeriodMs: number;
  /** When the node has started, in milliseconds since 1970: until then clients shall not use it. */
  readonly readyAt: number;
  /** Address that the nodes give to clients as theirs; undefined: the one that the client has connected to. */
  readonly accessAddress: string | undefined;
}

/** What an info command can see. */
export interface InfoContext extends NodeInfo {
  /** Address of the nodes as this client can reach them. */
  readonly address: string;
}

/** Parameters of an info command: `namespace=test;set=demo`, or the parts of a path: `sets/test/demo`. */
export interface InfoParameters {
  readonly path: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

export type InfoHandler = (context: InfoContext, parameters: InfoParameters) => string;

/** Info commands by name, without their parameters. */
export type InfoFamily = Readonly<Record<string, InfoHandler>>;

/** Version that the server says it is: clients choose the form of their commands by it. */
export const BUILD = '8.0.0.15';

export const infoError = (code: number, message: string): string => `ERROR:${code}:${message}`;

/** `name=value` pairs as every statistic of Aerospike comes. */
export const pairs = (values: Readonly<Record<string, string | number | boolean>>, separator = ';'): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(separator);
