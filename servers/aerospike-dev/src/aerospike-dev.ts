import type { Fault, FaultRule } from './faults/faults.ts';

/** What the server says of itself at start. */
export const NOTICE =
  'aerospike-dev is a simulation of Aerospike for development and tests. It keeps records in memory and is not a database: never put it into production.';

/** A running server. */
export interface AerospikeDev {
  /** Address of each node, joined by commas, as the `hosts` of a client takes it: `127.0.0.1:3000,127.0.0.1:3001`. */
  readonly hosts: string;
  /** Port of each node. */
  readonly ports: readonly number[];
  /** Port of the first node. */
  readonly port: number;
  readonly faults: FaultControl;
  /** Records of a namespace, all sets together. @throws INVALID_ARGUMENT for a namespace that there is not */
  records(namespace: string): Promise<number>;
  /** Cuts the node off: its connections break, and its partitions go to the other nodes. */
  loseNode(index: number): Promise<void>;
  /** Brings the node back on its old port, with its partitions. */
  returnNode(index: number): Promise<void>;
  /** Gives every partition to the next node, as a rebalance does. */
  movePartitions(): Promise<void>;
  /** Writes the snapshot file. @throws INVALID_OPTION when none was named */
  saveSnapshot(): Promise<void>;
  /** Ends all nodes and writes the snapshot file, if there is one. May be called more than once. */
  stop(): Promise<void>;
}

/** The faults of a running server. */
export interface FaultControl {
  /** @throws INVALID_ARGUMENT for a kind that there is not, or a share that is not a percentage */
  add(rule: FaultRule): Promise<Fault>;
  /** False for a fault that there is not, or no more. */
  remove(id: number): Promise<boolean>;
  clear(): Promise<void>;
  list(): Promise<readonly Fault[]>;
}
