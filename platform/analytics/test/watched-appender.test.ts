import { MillraceError, type ErrorCode, type LogAppender } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { watchAppender, type WatchedAppender } from '../src/watched-appender.ts';

/** A log that refuses with the given code. */
function setUp(): {
  watched: WatchedAppender;
  refuseWith: (code: ErrorCode | undefined) => void;
  passMs: (ms: number) => void;
} {
  let refusal: ErrorCode | undefined;
  let now = 0;
  const log: LogAppender = {
    partitions: 1,
    append: async () => {
      if (refusal !== undefined) throw new MillraceError(refusal, 'refused');
      return [];
    },
    close: async () => {},
  };
  return {
    watched: watchAppender(log, () => now),
    refuseWith: (code) => {
      refusal = code;
    },
    passMs: (ms) => {
      now += ms;
    },
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
});
