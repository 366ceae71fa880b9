import { describe, expect, it, onTestFinished } from 'vitest';
import {
  redisCommand,
  type RedisCluster,
  type RedisClusterOptions,
  serverAvailable,
  startRedisCluster,
} from '@millrace/testkit';

async function start(options: RedisClusterOptions): Promise<RedisCluster> {
  const cluster = await startRedisCluster(options);
  onTestFinished(() => cluster.stop());
  return cluster;
}

describe.skipIf(!serverAvailable('redis'))('startRedisCluster', () => {
  it('spreads the slots over three masters', async () => {
    const cluster = await start({});
    const replies = await Promise.all(
      cluster.nodes.map((node) => redisCommand(node, 'SET', 'a', '1').catch((error: Error) => error.message)),
    );
    // The slot of `a`, in the last third.
    const moved = `MOVED 15495 127.0.0.1:${cluster.nodes[2]!.port}`;
    expect(replies).toEqual([moved, moved, 'OK']);
    expect(await cluster.command('GET', 'a')).toBe('1');
    await expect(cluster.command('LPUSH', 'a', 'x')).rejects.toThrow('WRONGTYPE');
  });

  it('serves again when a killed node is back, with its data', async () => {
    const cluster = await start({ appendOnly: true, nodeTimeoutMs: 500 });
    const [first, , last] = cluster.nodes;
    const ask = (...command: string[]): Promise<unknown> =>
      cluster.command(...command).catch((error: Error) => error.message);
    await expect.poll(() => ask('SET', 'a', '2')).toBe('OK');
    await last!.kill();
    // The slot of `b` is the first node's own.
    await expect
      .poll(() => redisCommand(first!, 'SET', 'b', '1').catch((error: Error) => error.message))
      .toMatch('CLUSTERDOWN');
    await last!.restart();
    await cluster.ready();
    // With so short a timeout a busy machine may miss a node once more.
    await expect.poll(() => ask('GET', 'a')).toBe('2');
    await expect.poll(() => ask('SET', 'b', '1')).toBe('OK');
  });
});
