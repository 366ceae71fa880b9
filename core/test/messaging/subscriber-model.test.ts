import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { MillraceError } from '@millrace/core';
import type { Message } from '@millrace/core';
import { firstArrivals } from './scripted-target.ts';
import { ScriptedSource } from './scripted-source.ts';

const command = fc.oneof(
  { weight: 4, arbitrary: fc.constant('add' as const) },
  { weight: 6, arbitrary: fc.constant('take' as const) },
  ...(['turn', 'break', 'reopen', 'acknowledge', 'freeze', 'unfreeze'] as const).map((name) => ({
    weight: 1,
    arbitrary: fc.constant(name),
  })),
);

it('gives away every message at least once and in order, and never one again that was acknowledged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ack: fc.constantFrom('auto', 'manual'), maxDepth: fc.integer({ min: 3, max: 10 }) }),
      fc.array(command, { maxLength: 60 }),
      async (config, commands) => {
        const source = new ScriptedSource();
        let subscriber = await source.subscriber(config);
        const given: unknown[] = [];
        let last: Message | undefined;

        const take = async (timeoutMs: number): Promise<boolean> => {
          const acknowledged = source.acknowledged;
          const message = await subscriber.next({ timeoutMs });
          if (message === undefined) return false;
          // The log's values are its positions.
          expect(message.value).toBeGreaterThanOrEqual(acknowledged);
          given.push(message.value);
          last = message;
          if (config.ack === 'manual') subscriber.acknowledge(message);
          return true;
        };

        for (const action of commands) {
          if (action === 'add') source.add(source.log.length);
          else if (action === 'take') await take(0);
          else if (action === 'turn') await setImmediate();
          else if (action === 'break') source.breakOff(new MillraceError('UNAVAILABLE', 'cut'));
          else if (action === 'acknowledge' && last !== undefined) subscriber.acknowledge(last);
          else if (action === 'freeze') subscriber.freeze();
          else if (action === 'unfreeze') subscriber.unfreeze();
          else if (action === 'reopen') {
            await subscriber.close();
            subscriber = await source.subscriber(config);
          }
          // Nothing is acknowledged before it was given away.
          expect(source.acknowledged).toBeLessThanOrEqual(new Set(given).size);
        }

        subscriber.unfreeze();
        source.end();
        while (await take(60_000)) continue;
        await subscriber.close();
        expect(firstArrivals(given)).toEqual([...source.log.keys()]);
        expect(source.acknowledged).toBe(source.log.length);
        expect(subscriber.details().current_depth).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
});
