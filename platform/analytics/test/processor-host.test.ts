import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, openEventLog, type EventLog } from '@millrace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeTag } from '../src/codec.ts';
import { createProcessorHost, type ProcessorHost } from '../src/processor/host.ts';
import { TAG_STATE_SCHEMA } from '../src/tag.ts';
import { someTag } from './support/tags.ts';

const logger = createLogger({ level: 'silent', name: 'test' });

let directory: string;
let log: EventLog;
let host: ProcessorHost;
/** Read again whenever a worker is started. */
let state: { schema: typeof TAG_STATE_SCHEMA; partitions: number };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-host-'));
  const url = `embedded:${directory}`;
  log = await openEventLog(url, { partitions: 4 });
  state = { schema: TAG_STATE_SCHEMA, partitions: 4 };
  host = createProcessorHost(
    { log, logger },
    { logUrl: url, stateUrl: url, state, group: 'test', shared: false, runAs: 'thread' },
  );
});

afterEach(async () => {
  await host.stop(1000);
  await log.close();
  await rm(directory, { recursive: true });
});

describe('the processor host', () => {
  it('adds up over restarts what the workers applied', async () => {
    await host.start();
    for (let applied = 1; applied <= 3; applied++) {
      await log.append([encodeTag(someTag({ time: applied }))]);
      await expect.poll(() => host.progress().applied).toBe(applied);
      await host.crash();
      expect(host.isRunning()).toBe(false);
      await expect.poll(() => host.isRunning()).toBe(true);
    }
    await expect.poll(() => host.restarts()).toBe(3);
  });

  it('applies what is durable before it stops', async () => {
    await host.start();
    const tags = Array.from({ length: 5000 }, (_, time) => encodeTag(someTag({ time, cookie: `c-${time}` })));
    await log.append(tags);
    await host.stop(100_000);
    expect(host.progress().applied).toBe(5000);
  });

  it('gives up on what a restart cannot heal', async () => {
    await host.start();
    state.partitions = 3;
    await host.crash();
    await expect(host.failed).rejects.toMatchObject({ code: 'PARTITIONS_MISMATCH' });
    expect(host.restarts()).toBe(1);
  });

  it('does not start when its first worker cannot', async () => {
    const options = {
      logUrl: 'nowhere:x',
      stateUrl: 'nowhere:x',
      state,
      group: 'test',
      shared: false,
      runAs: 'thread',
    } as const;
    const lost = createProcessorHost({ log, logger }, options);
    await expect(lost.start()).rejects.toMatchObject({ code: 'UNKNOWN_SCHEME' });
    await lost.stop(0);
  });
});
