import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher, openSubscriber } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openRedisEventLog } from '../../src/event-log/event-log.ts';

describe.skipIf(!serverAvailable('redis'))('a Redis with TLS and a password', () => {
  let server: RedisServer;
  let folder: string;
  let trusting: string;

  beforeAll(async () => {
    server = await startRedis({ tls: true, password: 'p@ss/word', appendOnly: true });
    folder = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
    await writeFile(join(folder, 'ca.pem'), server.ca!);
    trusting = `tls_ca=${encodeURIComponent(join(folder, 'ca.pem'))}`;
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('takes keys by rediss://', async () => {
    const publisher = await openPublisher(`${server.url}/secret?${trusting}`);
    await publisher.publish({ key: 'a', value: 1 });
    await publisher.close();
    expect(await redisCommand(server, 'GET', 'secret:a')).toBe('1');
  });

  it('takes streams and channels with tls=true', async () => {
    for (const kind of ['stream', 'channel']) {
      const url = `${server.url.replace('rediss://', `redis${kind}://`)}/${randomUUID()}?tls=true&${trusting}`;
      const [publisher, subscriber] = [await openPublisher(url), await openSubscriber(url)];
      await publisher.publish({ value: kind });
      expect((await subscriber.next({ timeoutMs: 2000 }))?.value).toBe(kind);
      await Promise.all([publisher.close(), subscriber.close()]);
    }
  });

  it('keeps a log', async () => {
    const log = await openRedisEventLog(`${server.url}?${trusting.replace('_', '-')}`, {});
    const [position] = await log.append([{ key: 'a', value: Buffer.from('x') }]);
    expect((await log.read(position!.partition, 0, 100)).records).toHaveLength(1);
    await log.close();
  });

  it('refuses who has no password, and is refused by who does not trust it', async () => {
    const anonymous = `rediss://127.0.0.1:${server.port}?${trusting}`;
    await expect(openPublisher(anonymous)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(openRedisEventLog(server.url, {})).rejects.toThrow(/certificate/);
  });
});
