import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstArrivals, ScriptedTarget } from './scripted-target.ts';
import type { Step } from './scripted-target.ts';

const step: fc.Arbitrary<Step> = fc.record(
  {
    take: fc.nat({ max: 6 }),
    tell: fc.boolean(),
    refuse: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
    end: fc.constantFrom('answer', 'break', 'break', 'reject'),
  },
  { requiredKeys: [] },
);

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('enqueue' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  ...(['turn', 'suspend', 'resume', 'leave', 'return', 'flush', 'abort'] as const).map((name) => ({
    weight: 1,
    arbitrary: fc.record({ do: fc.constant(name), count: fc.constant(1) }),
  })),
);

const options = fc.record({
  maxQueueDepth: fc.integer({ min: 1, max: 12 }),
  maxBatch: fc.integer({ min: 1, max: 6 }),
  overflow: fc.constantFrom('block', 'drop-oldest', 'drop-newest'),
  retryMax: fc.constantFrom(undefined, 1, 3),
  afterRetries: fc.constantFrom('refuse', 'buffer'),
  bufferMaxMessages: fc.integer({ min: 1, max: 5 }),
  bufferOverflow: fc.constantFrom('block', 'drop-oldest'),
  publishInterval: fc.constantFrom('0', '1ms'),
});

it('settles every message once, keeps order, and counts what happened, whatever the target does', async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(step, { maxLength: 12 }),
      fc.array(command, { maxLength: 30 }),
      async (config, steps, commands) => {
        const target = new ScriptedTarget();
        target.steps.push(...steps);
        const failed: string[] = [];
        const publisher = await target.publisher({ ...config, onError: ({ code }) => void failed.push(code) });
        const published: { value: number; outcome: Promise<string> }[] = [];
        const pending: Promise<unknown>[] = [];
        const abort = new AbortController();
        let value = 0;
        let enqueued = 0;
        let withdrawn = 0;

        for (const { do: action, count } of commands) {
          if (action === 'turn') await setImmediate();
          else if (action === 'suspend') publisher.suspend();
          else if (action === 'resume') publisher.resume();
          else if (action === 'leave') target.away = true;
          else if (action === 'return') target.away = false;
          else if (action === 'flush') pending.push(publisher.flush());
          else if (action === 'abort') abort.abort();
          else {
            for (let index = 0; index < count; index++) {
              const message = { value: value++ };
              if (action === 'enqueue') {
                enqueued++;
                pending.push(publisher.enqueue(message));
              } else {
                if (abort.signal.aborted) withdrawn++;
                const outcome = publisher.publish(message, { signal: abort.signal }).then(
                  () => 'sent',
                  (error: { code: string }) => error.code,
                );
                published.push({ value: message.value, outcome });
              }
            }
          }
          const { offered, publish_count, refused, dropped, queue_depth } = publisher.details();
          expect(publish_count + refused + dropped + queue_depth).toBe(offered);
          expect(queue_depth).toBeGreaterThanOrEqual(0);
        }

        target.away = false;
        await publisher.close();
        await Promise.all(pending);
        const outcomes = await Promise.all(
          published.map(async ({ value, outcome }) => ({ value, outcome: await outcome })),
        );
        const { offered, publish_count, refused, dropped, queue_depth, queue_bytes } = publisher.details();

        expect({ queue_depth, queue_bytes, open: target.open }).toEqual({ queue_depth: 0, queue_bytes: 0, open: 0 });
        expect(offered).toBe(value - withdrawn);
        expect(publish_count + refused + dropped).toBe(offered);
        // Every message is settled once: by its promise, or for `enqueue` by `onError` or silently when it was sent.
        const rejected = outcomes.filter(({ outcome }) => outcome !== 'sent').length - withdrawn;
        if (config.afterRetries === 'refuse' || config.retryMax === undefined) {
          expect(refused + dropped).toBe(rejected + failed.length);
          expect(publish_count).toBe(outcomes.length - withdrawn - rejected + enqueued - failed.length);
          // What was told to be sent has arrived.
          const arrived = new Set(target.received);
          for (const { value, outcome } of outcomes) if (outcome === 'sent') expect(arrived).toContain(value);
        }
        const arrivals = firstArrivals(target.received) as number[];
        expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 300 },
  );
});
