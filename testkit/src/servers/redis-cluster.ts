import { freePort } from './free-port.ts';
import { redisCommand, type RedisReply } from './redis-command.ts';
import { certificateOf, type RedisOptions, type RedisServer, startRedis } from './redis.ts';
import { waitUntil } from './wait-until.ts';

const MASTERS = 3;
const SLOTS = 16_384;
const READY_TIMEOUT_MS = 90_000;
/** Redis's own default: no pause of a busy machine makes the nodes give each other up. */
const NODE_TIMEOUT_MS = 15_000;

export interface RedisClusterOptions extends RedisOptions {
  /**
   * Nodes that miss another one for so long answer CLUSTERDOWN, milliseconds; default 15 s. With less, a busy machine
   * brings that about at any moment: only for tests that ask for it, and take it when it comes unasked.
   */
  readonly nodeTimeoutMs?: number;
}

export interface RedisCluster {
  /** Three masters; each has a third of the slots and can be killed, paused and restarted alone. */
  readonly nodes: readonly RedisServer[];
  /** URL that names all nodes, without a path: `?cluster=true` and more may follow it. */
  readonly url: string;
  /** As `redisCommand`, to the node that has the key of the command. */
  command(...command: readonly string[]): Promise<RedisReply>;
  /** Resolves when every node sees the whole cluster serving; to be awaited after the restart of a node. */
  ready(): Promise<void>;
  /** Ends all nodes and removes their data. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis Cluster of three masters without replicas, and resolves when it serves all slots. While one of them is
 * down the others answer CLUSTERDOWN, once they have missed it for the node timeout.
 *
 * @param options of each node
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const nodes: RedisServer[] = [];
  const cluster: RedisCluster = {
    nodes,
    get url() {
      return nodes[0]!.url.replace(/[^@/]*$/, nodes.map(({ host, port }) => `${host}:${port}`).join(','));
    },
    command: (...command) => sendToOwner(nodes, command),
    async ready() {
      await waitUntil('the cluster serves all slots', READY_TIMEOUT_MS, async () => {
        const [infos, slots] = [await askAll(nodes, 'INFO'), await askAll(nodes, 'SLOTS')];
        // A node whose name has not reached all others yet is given as `?`.
        return (
          infos.every((info) => String(info).includes('cluster_state:ok')) && !JSON.stringify(slots).includes('"?"')
        );
      });
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
  try {
    const buses: number[] = [];
    for (let index = 0; index < MASTERS; index++) {
      const bus = await freePort();
      buses.push(bus);
      nodes.push(await startNode({ ...certificateOf(nodes[0]), ...options }, bus));
    }
    await Promise.all(nodes.map((node, index) => assignSlots(node, index)));
    // Each one itself, as it is a while before one tells another of a third.
    for (const [index, node] of nodes.entries()) {
      for (const [other, { port }] of nodes.entries()) {
        if (other > index) await redisCommand(node, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(buses[other]));
      }
    }
    await cluster.ready();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

const askAll = (nodes: readonly RedisServer[], what: string): Promise<RedisReply[]> =>
  Promise.all(nodes.map((node) => redisCommand(node, 'CLUSTER', what)));

function startNode(options: RedisClusterOptions, bus: number): Promise<RedisServer> {
  const { nodeTimeoutMs = NODE_TIMEOUT_MS } = options;
  const cluster = `--cluster-enabled yes --cluster-port ${bus} --cluster-node-timeout ${nodeTimeoutMs}`;
  const { host } = options;
  const named =
    host === undefined ? '' : ` --cluster-announce-hostname ${host} --cluster-preferred-endpoint-type hostname`;
  return startRedis({ ...options, arguments: [...`${cluster}${named}`.split(' '), ...(options.arguments ?? [])] });
}

async function assignSlots(node: RedisServer, index: number): Promise<void> {
  const from = Math.floor((index * SLOTS) / MASTERS);
  const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
  await redisCommand(node, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
  // Nodes must disagree on nothing when they meet: equal epochs are settled only after a while.
  await redisCommand(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
}

async function sendToOwner(nodes: readonly RedisServer[], command: readonly string[]): Promise<RedisReply> {
  try {
    return await redisCommand(nodes[0]!, ...command);
  } catch (error) {
    const port = /^MOVED \d+ .*:(\d+)$/.exec((error as Error).message)?.[1];
    const owner = nodes.find((node) => String(node.port) === port);
    if (owner === undefined) throw error;
    return redisCommand(owner, ...command);
  }
}
