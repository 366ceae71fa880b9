import type { Redis } from 'ioredis';
import type { RedisAddress, RedisNode } from './address.ts';
import { connect, type ConnectOptions, type RedisConnection } from './connection.ts';
import { isReply, redisError } from './errors.ts';

/**
 * Connects to one server, also of a Cluster: for channels, where every node passes on what is published on any of them.
 * One connection keeps the order, where the driver would publish each message on a node drawn by lot.
 */
export class AnyNode {
  readonly #address: RedisAddress;
  /** To be tried one after the other: the seeds, then all masters. */
  #nodes: readonly RedisNode[];
  #attempts = 0;

  constructor(address: RedisAddress) {
    this.#address = address;
    this.#nodes = address.nodes;
  }

  /** @throws as `connect` */
  async connect(options: ConnectOptions): Promise<RedisConnection> {
    if (this.#address.kind !== 'cluster') return connect(this.#address, options);
    const node = this.#nodes[this.#attempts++ % this.#nodes.length]!;
    const connection = await connect({ ...this.#address, kind: 'server', nodes: [node] }, options);
    try {
      // The next one may be needed because this one is gone for good, and the URL may name no other.
      this.#nodes = [node, ...(await otherMasters(connection.client as Redis, node))];
    } catch (error) {
      // A user who may publish and nothing else does not learn them.
      if (!isReply(error)) {
        connection.close();
        throw redisError(error, this.#address);
      }
    }
    this.#attempts = 0;
    return connection;
  }
}

type SlotRange = readonly [from: number, to: number, master: readonly [host: string, port: number]];

async function otherMasters(client: Redis, self: RedisNode): Promise<readonly RedisNode[]> {
  const ranges = (await client.cluster('SLOTS')) as unknown as readonly SlotRange[];
  // No host: the one that was asked.
  const nodes = ranges.map(([, , [host, port]]) => ({ host: host === '' ? self.host : host, port }));
  const byName = new Map(nodes.map((node) => [`${node.host}:${node.port}`, node]));
  byName.delete(`${self.host}:${self.port}`);
  return [...byName.values()];
}
