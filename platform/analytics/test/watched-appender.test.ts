import { createLogger, MillraceError, type ErrorCode, type LogAppender } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { watchAppender, type WatchedAppender } from '../src/watched-appender.ts';

/** A log that refuses with the given code. */
function setUp(): {
  watched: WatchedAppender;
  refuseWith: (code: ErrorCode | undefined) => void;
  passMs: (ms: number) => void;
  /** What was logged: messages, and how many failures are over. */
  lines: () => object[];
} {
  let refusal: ErrorCode | undefined;
  let now = 0;
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const logger = createLogger({ level: 'info', name: 'test', destination });
  const log: LogAppender = {
    partitions: 1,
    append: async () => {
      if (refusal !== undefined) throw new MillraceError(refusal, 'refused');
      return [];
    },
    close: async () => {},
  };
  return {
    watched: watchAppender(log, { logger, now: () => now }),
    refuseWith: (code) => {
      refusal = code;
    },
    passMs: (ms) => {
      now += ms;
    },
    lines: () => written.map((line) => JSON.parse(line) as object),
  };
}

describe('watchAppender', () => {
  it('counts a log as writable until it refuses, and again when it takes something', async () => {
    const { watched, refuseWith } = setUp();
    expect(watched.writable()).toBe(true);
    refuseWith('LOG_FULL');
    await expect(watched.append([])).rejects.toMatchObject({ code: 'LOG_FULL' });
    expect(watched.writable()).toBe(false);
    refuseWith(undefined);
    await watched.append([]);
    expect(watched.writable()).toBe(true);
  });

  it('lets someone try again a second after the disk was full', async () => {
    const { watched, refuseWith, passMs } = setUp();
    refuseWith('LOG_FULL');
    await expect(watched.append([])).rejects.toThrow();
    passMs(999);
    expect(watched.writable()).toBe(false);
    passMs(1);
    expect(watched.writable()).toBe(true);
  });

  it('gives up on a log that has failed', async () => {
    const { watched, refuseWith, passMs } = setUp();
    refuseWith('LOG_FAILED');
    await expect(watched.append([])).rejects.toThrow();
    passMs(1e9);
    expect(watched.writable()).toBe(false);
  });

  it('takes no offence at a record that is too large', async () => {
    const { watched, refuseWith } = setUp();
    refuseWith('RECORD_TOO_LARGE');
    await expect(watched.append([])).rejects.toThrow();
    expect(watched.writable()).toBe(true);
  });

  it('says once that the log refuses, and once that it is over, however many appends there are', async () => {
    const { watched, refuseWith, passMs, lines } = setUp();
    const refuse = async (times: number): Promise<void> => {
      refuseWith('LOG_FULL');
      for (let i = 0; i < times; i++) await expect(watched.append([])).rejects.toThrow();
      refuseWith(undefined);
    };
    await watched.append([]);
    await refuse(100);
    // On a full disk some are taken in between.
    passMs(4999);
    await watched.append([]);
    expect(watched.writable()).toBe(true);
    await refuse(1);
    const begins = { msg: expect.stringContaining('takes no records') as string, err: { code: 'LOG_FULL' } };
    expect(lines()).toMatchObject([begins]);
    passMs(5000);
    for (let i = 0; i < 10; i++) await watched.append([]);
    const ends = { msg: 'the log takes records again', failures: 101 };
    expect(lines()).toMatchObject([begins, ends]);
    await refuse(1);
    expect(lines()).toMatchObject([begins, ends, begins]);
  });

  it('says nothing of a log that is closed', async () => {
    const { watched, refuseWith, lines } = setUp();
    refuseWith('LOG_CLOSED');
    await expect(watched.append([])).rejects.toThrow();
    expect(watched.writable()).toBe(false);
    expect(lines()).toEqual([]);
  });
});
