import { setTimeout as sleep } from 'node:timers/promises';

import type { Publisher, Subscriber } from '@millrace/core';
import { expect } from 'vitest';

/**
 * A subscriber of a group acknowledges at close what a handler finishes meanwhile, so that the next one of its group does
 * not get it again.
 *
 * @param open opens a subscriber of that group, where nothing waits yet
 */
export async function expectAcknowledgedAtClose(publisher: Publisher, open: () => Promise<Subscriber>): Promise<void> {
  for (const value of [1, 2]) await publisher.publish({ value });
  const subscriber = await open();
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const handled = subscriber.subscribe(async () => {
    begun.resolve();
    await mayEnd.promise;
  });
  await begun.promise;
  const closing = subscriber.close();
  await sleep(50);
  mayEnd.resolve();
  await Promise.all([closing, handled]);
  const heir = await open();
  expect(await heir.next({ timeoutMs: 60_000 })).toMatchObject({ value: 2 });
  await heir.close();
}
