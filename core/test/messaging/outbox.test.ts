import { expect, it } from 'vitest';
import { FifoLane } from '../../src/messaging/lanes.ts';
import { Entry, Outbox } from '../../src/messaging/outbox.ts';

it('lets go of what its callers have withdrawn, also while nothing is taken', () => {
  const limits = { maxDepth: 1, maxBytes: 1000, overflow: 'block' } as const;
  const outbox = new Outbox(limits, new FifoLane(), () => {});
  const offer = (): Entry => {
    const entry = new Entry({ bytes: 1 }, 5, { pending: 1, done: undefined });
    outbox.offer(entry);
    return entry;
  };
  const queued = offer();
  const waiting = [offer()];
  for (let count = 0; count < 1000; count++) {
    const given = offer();
    if (count === 500) waiting.push(offer());
    given.settled = true;
    outbox.withdrawn();
    expect(outbox.waiting).toBeLessThan(8);
  }
  expect([...outbox.drain()]).toEqual([queued, ...waiting]);
});
