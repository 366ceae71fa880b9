import { expect, it } from 'vitest';
import { FifoLane, PriorityLanes } from '../../src/messaging/lanes.ts';
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

it.each(['block', 'drop-newest'] as const)(
  'gives the room of what its callers have withdrawn to others: %s',
  (overflow) => {
    for (const lane of [new FifoLane<Entry>(), new PriorityLanes<Entry>()]) {
      const outbox = new Outbox({ maxDepth: 4, maxBytes: 40, overflow }, lane, () => {});
      const entries = Array.from({ length: 4 }, () => new Entry({ bytes: 10 }, 5, { pending: 1, done: undefined }));
      for (const entry of entries) outbox.offer(entry);
      for (const entry of entries.slice(1)) {
        entry.settled = true;
        outbox.withdrawn();
      }
      const late = new Entry({ bytes: 10 }, 5, { pending: 1, done: undefined });
      expect(outbox.offer(late)).toBe(true);
      expect(outbox.waiting).toBe(0);
      expect([...outbox.drain()]).toEqual([entries[0], late]);
    }
  },
);
