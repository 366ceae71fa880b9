import { randomUUID } from 'node:crypto';
import { openPublisher, openSubscriber } from '@millrace/core';
import { serverAvailable, startRedis, startTcpProxy } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

it.skipIf(!serverAvailable('redis')).each(['redisstream', 'redis'])(
  'a subscriber of %s connects again when nothing comes any more',
  async (scheme) => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const proxy = await startTcpProxy({ target: server });
    onTestFinished(() => proxy.stop());
    const name = randomUUID();
    const publisher = await openPublisher(`${scheme}://127.0.0.1:${server.port}/${name}`);
    const subscriber = await openSubscriber(`${scheme}://127.0.0.1:${proxy.port}/${name}?command_timeout=500ms`);
    await publisher.publish({ key: 'a', value: 1 });
    expect((await subscriber.next({ timeoutMs: 60_000 }))?.value).toBe(1);
    const { accepted } = proxy;
    proxy.blackHole(true);
    // It does not ask the connection that is gone for anything more, and tries a new one.
    await expect.poll(() => proxy.accepted).toBeGreaterThan(accepted);
    proxy.cut();
    proxy.blackHole(false);
    await publisher.publish({ key: 'a', value: 2 });
    // What could not be acknowledged comes again first.
    let last = await subscriber.next({ timeoutMs: 60_000 });
    while (last?.value === 1) last = await subscriber.next({ timeoutMs: 60_000 });
    expect(last?.value).toBe(2);
    await Promise.all([publisher.close(), subscriber.close()]);
  },
);
