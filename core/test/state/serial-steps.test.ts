import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SerialSteps } from '../../src/state/index.ts';

describe('steps run', () => {
  it('one after the other, also after one that failed', async () => {
    const steps = new SerialSteps();
    const seen: string[] = [];
    const step = (name: string, ms: number) => async () => {
      seen.push(`${name} begins`);
      await sleep(ms);
      seen.push(`${name} ends`);
      return name;
    };
    const first = steps.run(step('a', 20));
    const failed = steps.run(() => Promise.reject(new Error('no')));
    const last = steps.run(step('b', 0));
    await expect(failed).rejects.toThrow('no');
    expect(await Promise.all([first, last])).toEqual(['a', 'b']);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('and are settled with what they put behind themselves', async () => {
    const steps = new SerialSteps();
    let done = 0;
    const more = async (left: number): Promise<void> => {
      await sleep(1);
      done++;
      if (left > 0) void steps.run(() => more(left - 1));
    };
    void steps.run(() => more(3));
    await steps.settled();
    expect(done).toBe(4);
  });
});
