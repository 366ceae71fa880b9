import { openKeyValueStore, openPublisher } from '@millrace/core';
import { serverAvailable, startRedis, startRedisCluster } from '@millrace/testkit';
import { expect, it, onTestFinished, vi } from 'vitest';

it.skipIf(!serverAvailable('redis')).each([
  ['Redis', startRedis, ''],
  ['Redis Cluster', startRedisCluster, '?cluster=true'],
])('refuses a password for a %s that asks for none, and writes nothing past the logger', async (_, start, options) => {
  const written = vi.spyOn(console, 'warn');
  onTestFinished(() => written.mockRestore());
  const server = await start();
  onTestFinished(() => server.stop());
  const place = server.url.replace('redis://', ':secret@');
  const message = expect.stringMatching(/asks for no password: leave it out/) as string;
  const publisher = openPublisher(`redisstream://${place}/x${options}`);
  await expect(publisher).rejects.toMatchObject({ code: 'UNAUTHORIZED', message });
  const store = openKeyValueStore(`redis://${place}${options}`).then((opened) => opened.getMany(['a']));
  await expect(store).rejects.toMatchObject({ code: 'UNAUTHORIZED', message });
  await expect(store).rejects.not.toThrow('secret');
  expect(written).not.toHaveBeenCalled();
});
