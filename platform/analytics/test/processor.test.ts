import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, MillraceError, type DeadLetter } from '@millrace/core';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeRetry, encodeTag } from '../src/codec.ts';
import { createProcessor, type Processor, type Progress } from '../src/processor/processor.ts';
import type { UserTag } from '../src/tag.ts';
import { MemoryLog } from './support/memory-log.ts';
import { MemoryState } from './support/memory-state.ts';
import { someTag } from './support/tags.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function setUp(): { log: MemoryLog; state: MemoryState; start: () => Processor; progress: () => Progress | undefined } {
  const log = new MemoryLog();
  const state = new MemoryState();
  const logger = createLogger({ level: 'silent', name: 'test' });
  let last: Progress | undefined;
  const onProgress = (progress: Progress): void => {
    last = progress;
  };
  const start = (): Processor => {
    const processor = createProcessor({ log, state, logger, now: () => 77, onProgress }, { group: 'test' });
    const stopping = new AbortController();
    const running = processor.run(stopping.signal);
    stops.push(async () => {
      processor.resume();
      stopping.abort();
      await running;
    });
    return processor;
  };
  return { log, state, start, progress: () => last };
}

const append = (log: MemoryLog, partition: number, changes: Partial<UserTag> = {}): number => {
  const { key, value } = encodeTag(someTag(changes));
  return log.append(partition, key, value);
};

const letter = (state: MemoryState, partition: number, offset: number): DeadLetter => {
  const id = `${partition}-${offset}`;
  const found = state.deadLetters.get(id);
  if (found === undefined) throw new Error(`no dead letter ${id}`);
  return { ...found, id, partition };
};

describe('the processor', () => {
  it('applies what is there, then what comes', async () => {
    const { log, state, start, progress } = setUp();
    append(log, 0);
    append(log, 1, { cookie: 'bob' });
    const processor = start();
    await processor.drain();
    expect(state.events.map(({ key }) => key)).toEqual(['alice', 'bob']);
    append(log, 0, { cookie: 'carol' });
    await processor.drain();
    expect(state.events.map(({ key, offset }) => [key, offset])).toEqual([
      ['alice', 0],
      ['bob', 1],
      ['carol', 2],
    ]);
    expect(progress()).toMatchObject({ applied: 3, deadLetters: 0, committed: [3, 3] });
  });

  it('continues where another one stood', async () => {
    const { log, state, start } = setUp();
    append(log, 0);
    await start().drain();
    await stops.pop()!();
    append(log, 0, { cookie: 'bob' });
    await start().drain();
    expect(state.events.map(({ key }) => key)).toEqual(['alice', 'bob']);
  });

  it('puts poison into the dead letters and goes on', async () => {
    const { log, state, start, progress } = setUp();
    append(log, 0);
    log.append(0, 'mallory', Buffer.from([200, 1, 2]));
    log.append(1, undefined, encodeTag(someTag()).value);
    append(log, 0, { cookie: 'bob' });
    await start().drain();
    expect(state.events.map(({ key }) => key)).toEqual(['alice', 'bob']);
    expect(state.deadLetters.get('0-1')).toEqual({
      offset: 1,
      appendedAt: 1000,
      code: 'RECORD_UNREADABLE',
      reason: expect.stringContaining('version 200') as string,
      key: 'mallory',
      value: Buffer.from([200, 1, 2]),
    });
    expect(state.deadLetters.get('1-2')?.reason).toContain('no key');
    expect(progress()).toMatchObject({ applied: 2, deadLetters: 2 });
  });

  it('keeps damaged stretches of the log as dead letters', async () => {
    const { log, state, start } = setUp();
    append(log, 0);
    const damage = log.addDamage(3);
    append(log, 1, { cookie: 'bob' });
    await start().drain();
    expect(state.events.map(({ key }) => key)).toEqual(['alice', 'bob']);
    expect([...state.deadLetters]).toEqual([
      ['0-1', expect.objectContaining({ code: 'LOG_CORRUPT', value: damage.bytes, appendedAt: 77 })],
    ]);
    expect(state.deadLetters.get('0-1')?.reason).toContain('offsets 1 to 3 are lost');
  });

  it('resolves a dead letter whose retry succeeds, and keeps one whose retry fails', async () => {
    const { log, state, start } = setUp();
    log.append(0, 'mallory', Buffer.from([200]));
    log.append(1, 'mallory', Buffer.from([201]));
    const processor = start();
    await processor.drain();
    expect([...state.deadLetters.keys()]).toEqual(['0-0', '1-1']);
    const repaired = { ...letter(state, 0, 0), value: encodeTag(someTag()).value };
    for (const retry of [encodeRetry('0-0', repaired), encodeRetry('1-1', letter(state, 1, 1))]) {
      log.append(0, retry.key, retry.value);
    }
    await processor.drain();
    expect([...state.deadLetters.keys()]).toEqual(['1-1']);
    expect(state.events).toMatchObject([{ key: 'mallory', dedupeKey: 'dead letter 0-0', offset: 2 }]);
  });

  it('commits many events that trickle in at once, and applies nothing while paused', async () => {
    const { log, state, start } = setUp();
    const processor = start();
    processor.pause();
    for (let i = 0; i < 50; i++) {
      append(log, 0);
      await sleep(1);
    }
    expect(state.events).toEqual([]);
    processor.resume();
    await processor.drain();
    expect(state.events).toHaveLength(50);
    expect(state.commits).toBeLessThan(10);
  });

  it('lets the log forget what survives a power loss', async () => {
    const { log, start } = setUp();
    append(log, 0);
    const processor = start();
    await processor.drain();
    await expect
      .poll(() => log.releases)
      .toEqual([
        { partition: 0, below: 1 },
        { partition: 1, below: 1 },
      ]);
  });

  it('ends with the error of a state that cannot go on', async () => {
    const log = new MemoryLog();
    const state = new MemoryState();
    state.commit = () => Promise.reject(new Error('disk gone'));
    append(log, 0);
    const processor = createProcessor(
      { log, state, logger: createLogger({ level: 'silent', name: 'test' }), now: Date.now, onProgress: () => {} },
      { group: 'test' },
    );
    await expect(processor.run(new AbortController().signal)).rejects.toThrow('disk gone');
  });
});

describe('a processor that shares its group', () => {
  const silent = createLogger({ level: 'silent', name: 'test' });

  /** Runs until all is applied, then stops. */
  async function applyAll(log: MemoryLog, state: MemoryState, shared: boolean): Promise<void> {
    const processor = createProcessor(
      { log, state, logger: silent, now: () => 77, onProgress: () => {} },
      { group: 'test', shared },
    );
    const stopping = new AbortController();
    const running = processor.run(stopping.signal);
    await Promise.race([processor.drain(), running]);
    stopping.abort();
    await running;
  }

  it('asks where the partitions stand after losing one, and goes on', async () => {
    const log = new MemoryLog();
    const state = new MemoryState();
    append(log, 0);
    append(log, 1, { cookie: 'bob' });
    state.failNext(new MillraceError('STALE_OWNER', 'another one has partition 1'));
    await applyAll(log, state, true);
    expect(log.starts).toEqual([0, 1, 0, 1]);
    expect(state.events.map(({ key }) => key)).toEqual(['alice', 'bob']);
  });

  it('ends on losing one when nobody else should be there', async () => {
    const log = new MemoryLog();
    const state = new MemoryState();
    append(log, 0);
    state.failNext(new MillraceError('STALE_OWNER', 'an intruder'));
    await expect(applyAll(log, state, false)).rejects.toMatchObject({ code: 'STALE_OWNER' });
  });

  it('repeats a commit while the state is away', async () => {
    const log = new MemoryLog();
    const state = new MemoryState();
    append(log, 0);
    state.failNext(new MillraceError('UNAVAILABLE', 'gone'), new MillraceError('TIMEOUT', 'slow'));
    await applyAll(log, state, true);
    expect(log.starts).toEqual([0, 1]);
    expect(state.events).toHaveLength(1);
  });

  it('gives a commit up when a rebalance waits for it, and says so as a gap', async () => {
    const log = new MemoryLog();
    const state = new MemoryState();
    append(log, 0);
    state.failNext(...Array.from({ length: 20 }, () => new MillraceError('UNAVAILABLE', 'gone')));
    log.revokeAfter(50);
    const applying = applyAll(log, state, true);
    await expect.poll(() => log.gaps).toBe(1);
    state.failNext();
    await applying;
    expect(state.events).toHaveLength(1);
  });
});
