import { randomUUID } from 'node:crypto';
import { openEventLog, openKeyValueStore, openPublisher, openStateWriter, openSubscriber } from '@millrace/core';
import { STATE_SCHEMA, stateChange, stateEvent } from '@millrace/testkit';
import { expect } from 'vitest';

/** Options of a log, a state and a store are written with dashes. */
export const dashed = (url: string): string =>
  url.replaceAll('tls_', 'tls-').replace('sentinel_password', 'sentinel-password');

/** Uses every contract once. The options behind the address are the same for all. */
export async function useAll(login: string, host: string, path: string, options: string): Promise<void> {
  const name = randomUUID();
  for (const kind of ['stream', 'channel']) {
    const url = `redis${kind}://${login}${host}/${name}-${kind}?${options}`;
    const [publisher, subscriber] = [await openPublisher(url), await openSubscriber(url)];
    await publisher.publish({ value: kind });
    expect((await subscriber.next({ timeoutMs: 60_000 }))?.value).toBe(kind);
    await Promise.all([publisher.close(), subscriber.close()]);
  }
  const url = `redis://${login}${host}${path}?${options}`;
  const publisher = await openPublisher(url, { keyPrefix: `${name}:` });
  await publisher.publish({ key: 'a', value: 1 });
  const subscriber = await openSubscriber(url, { keyPrefix: `${name}:` });
  expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({ key: 'a', value: 1 });
  await Promise.all([publisher.close(), subscriber.close()]);

  const own = dashed(`${url}&prefix=${name}`);
  const log = await openEventLog(own, { partitions: 1 });
  await log.append([{ value: Buffer.from('x') }]);
  expect((await log.read(0, 0, 100)).records).toHaveLength(1);
  const writer = await openStateWriter(own, { schema: STATE_SCHEMA, partitions: 1 });
  expect(await writer.commit([stateChange([stateEvent(0)])])).toMatchObject({ applied: 1 });
  const store = await openKeyValueStore(own);
  await store.set('a', Buffer.from('b'));
  expect(await store.increment('c', 1n)).toBe(1n);
  await Promise.all([log, writer, store].map((each) => each.close()));
}
