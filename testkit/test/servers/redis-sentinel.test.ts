import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisCommand, type RedisSentinel, serverAvailable, startSentinel } from '@millrace/testkit';

describe.skipIf(!serverAvailable('redis'))('startSentinel', () => {
  let sentinel: RedisSentinel;

  beforeAll(async () => {
    sentinel = await startSentinel({ password: 'secret' });
  });
  afterAll(() => sentinel.stop());

  it('fails over to the replica when the master is killed', async () => {
    const { master, replica } = sentinel;
    expect(await sentinel.masterPort()).toBe(master.port);
    await redisCommand(master, 'SET', 'a', '1');
    await expect.poll(() => redisCommand(replica, 'GET', 'a')).toBe('1');
    await expect(redisCommand(replica, 'SET', 'a', '2')).rejects.toThrow('READONLY');
    await sentinel.killMaster();
    await expect.poll(() => sentinel.masterPort().catch(() => 0)).toBe(replica.port);
    expect(await redisCommand(replica, 'SET', 'a', '2')).toBe('OK');
  });
});
