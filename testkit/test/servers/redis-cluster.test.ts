import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisCommand, type RedisCluster, serverAvailable, startRedisCluster } from '@millrace/testkit';

describe.skipIf(!serverAvailable('redis'))('startRedisCluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster({ appendOnly: true });
  });
  afterAll(() => cluster.stop());

  it('spreads the slots over three masters', async () => {
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
    const [first, , last] = cluster.nodes;
    await redisCommand(last!, 'SET', 'a', '2');
    await last!.kill();
    // The slot of `b` is the first node's own.
    await expect
      .poll(() => redisCommand(first!, 'SET', 'b', '1').catch((error: Error) => error.message))
      .toMatch('CLUSTERDOWN');
    await last!.restart();
    await cluster.ready();
    expect(await redisCommand(last!, 'GET', 'a')).toBe('2');
    expect(await redisCommand(first!, 'SET', 'b', '1')).toBe('OK');
  });
});
