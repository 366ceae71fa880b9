import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ScriptedSource } from './scripted-source.ts';

describe('a source that takes messages back', () => {
  it('gets what the application has not got, and still hears of what it has', async () => {
    const source = new ScriptedSource();
    source.add(1, 2, 3, 4);
    const subscriber = await source.subscriber({ ack: 'manual' });
    const [first, second] = [await subscriber.next(), await subscriber.next()];
    subscriber.acknowledge(first!);
    expect(source.recall()).toEqual([2, 3]);
    expect(subscriber.details()).toMatchObject({ receive_count: 2, current_depth: 0, unacknowledged: 1 });
    subscriber.acknowledge(second!);
    await expect.poll(() => source.acknowledged).toBe(2);
    expect(await subscriber.next()).toEqual({ value: 3 });
    expect(await subscriber.next()).toEqual({ value: 4 });
    await subscriber.close();
  });

  it('hears of nothing behind the first of them: its position would pass that', async () => {
    const source = new ScriptedSource();
    source.add({ urgency: 5 }, { urgency: 1 });
    const subscriber = await source.subscriber({ ack: 'manual', queueType: 'priority', dagPriorityKey: 'urgency' });
    await expect.poll(() => subscriber.details().current_depth).toBe(2);
    const urgent = await subscriber.next();
    expect(urgent?.value).toEqual({ urgency: 1 });
    expect(source.recall()).toEqual([0, 1]);
    subscriber.acknowledge(urgent!);
    await setImmediate();
    expect(source.acknowledged).toBe(0);
    await subscriber.close();
  });
});
