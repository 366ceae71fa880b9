import { MillraceError } from '@millrace/core';
import { PARTITIONS } from '../protocol/constants.ts';

export interface ClusterNode {
  readonly index: number;
  /** Unique in the cluster, 15 hexadecimal digits. */
  readonly name: string;
  /** Known once the node listens. */
  port: number;
  up: boolean;
}

/**
 * Who owns which partition. The nodes share their records, so what is simulated is what a client sees of a cluster: a
 * partition map, replicas, nodes that go and come back, partitions that move.
 */
export class Cluster {
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  readonly #replicationFactor: number;
  #partitionGeneration = 1;
  #peersGeneration = 1;
  #rotation = 0;
  /** By partition the indexes of its owners, the master first; made anew after each change. */
  #owners: readonly number[][] = [];

  constructor(name: string, nodeCount: number, replicationFactor: number) {
    this.name = name;
    this.#replicationFactor = replicationFactor;
    this.nodes = Array.from({ length: nodeCount }, (_, index) => ({
      index,
      name: `BB9DE0${(index + 1).toString(16).toUpperCase().padStart(3, '0')}0DE0DE`,
      port: 0,
      up: true,
    }));
    this.#assign();
  }

  /** Rises whenever a partition gets another owner. */
  get partitionGeneration(): number {
    return this.#partitionGeneration;
  }

  /** Rises whenever a node goes or comes. */
  get peersGeneration(): number {
    return this.#peersGeneration;
  }

  /** Owners of each partition that there are at present. */
  get replicationFactor(): number {
    return Math.min(this.#replicationFactor, Math.max(1, this.#upNodes().length));
  }

  peersOf(node: ClusterNode): ClusterNode[] {
    return this.#upNodes().filter((peer) => peer !== node);
  }

  isMaster(node: ClusterNode, partition: number): boolean {
    return this.#owners[partition]![0] === node.index;
  }

  /** Whether the node has the partition, and is not its master. */
  isReplica(node: ClusterNode, partition: number): boolean {
    return this.#owners[partition]!.indexOf(node.index) > 0;
  }

  /** One bit a partition, the highest of a byte first: those of which the node is the owner of that rank (0 = master). */
  ownership(node: ClusterNode, rank: number): Buffer {
    const bits = Buffer.alloc(PARTITIONS / 8);
    for (const [partition, owners] of this.#owners.entries()) {
      if (owners[rank] === node.index) bits[partition >> 3]! |= 0x80 >> (partition & 7);
    }
    return bits;
  }

  /** @throws INVALID_ARGUMENT for a node that there is not */
  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (node !== undefined) return node;
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `there is no node ${index}: the nodes are 0 to ${this.nodes.length - 1}`,
      {
        field: 'node',
        value: index,
        accepted: `an integer from 0 to ${this.nodes.length - 1}`,
      },
    );
  }

  setUp(node: ClusterNode, up: boolean): void {
    if (node.up === up) return;
    node.up = up;
    this.#peersGeneration++;
    this.#assign();
  }

  /** Gives every partition to the next node, as after a rebalance. */
  movePartitions(): void {
    this.#rotation++;
    this.#assign();
  }

  #upNodes(): ClusterNode[] {
    return this.nodes.filter(({ up }) => up);
  }

  #assign(): void {
    const { length } = this.nodes;
    this.#partitionGeneration++;
    this.#owners = Array.from({ length: PARTITIONS }, (_, partition) => {
      const first = partition + this.#rotation;
      const succession = Array.from({ length }, (_unused, step) => this.nodes[(first + step) % length]!);
      const up = succession.filter((node) => node.up).map(({ index }) => index);
      return up.slice(0, this.replicationFactor);
    });
  }
}
