import { describe, expect, it } from 'vitest';
import { createLogger, defineOptions, defineSink, MillraceError, publisherOf } from '@millrace/core';
import { ScriptedTarget } from './scripted-target.ts';

describe('a publisher whose target is away', () => {
  it('runs from its start to its end, also while the target is away', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher();
    expect(publisher.isRunning()).toBe(true);
    await publisher.close();
    expect(publisher.isRunning()).toBe(false);
  });

  it('says so of a single message', async () => {
    const target = new ScriptedTarget();
    target.away = true;
    const publisher = await target.publisher();
    const outcome = Promise.allSettled([publisher.publish({ value: 1 })]);
    await expect(publisher.close({ deadlineMs: 10 })).rejects.toThrow('closed: 1 message was not sent within 10 ms');
    await outcome;
  });

  it('is told once per outage, and once more when it fails in another way', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: 'warn', name: 'test', destination });
    let failing: 'UNAVAILABLE' | 'TIMEOUT' | undefined = 'UNAVAILABLE';
    let attempts = 0;
    const sink = defineSink({
      options: defineOptions('away', {}),
      prepare: () => ({
        encode: () => ({ bytes: 1 }),
        connect: async () => {
          attempts++;
          if (failing !== undefined) throw new MillraceError(failing, `attempt ${attempts}`);
          return { send: async () => [], close: async () => {} };
        },
      }),
    });
    const backOff = { retryBackoff: '1ms', retryMaxBackoff: '1ms' };
    const publisher = publisherOf(sink, 'orders', 'away://target', { logger, ...backOff });
    await publisher.start();
    const published = publisher.publish({ value: 1 });
    await expect.poll(() => attempts).toBeGreaterThan(3);
    expect(lines).toHaveLength(1);
    failing = 'TIMEOUT';
    await expect.poll(() => lines.length).toBe(2);
    failing = undefined;
    await published;
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        msg: 'publisher "orders": trying again',
        err: { code: 'UNAVAILABLE', message: 'attempt 1' },
        url: 'away://target',
      },
      { msg: 'publisher "orders": trying again', err: { code: 'TIMEOUT' } },
    ]);
    await publisher.close();
  });
});
