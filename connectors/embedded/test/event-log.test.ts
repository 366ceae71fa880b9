import type { EventLog } from '@millrace/core';
import { SimulatedDisk, type Disk } from '@millrace/storage';
import { bothEnds, describeEventLog, SUITE_PARTITIONS, type EventLogTarget, type OpenLog } from '@millrace/testkit';
import { expect, it } from 'vitest';

import { openEmbeddedLogReader } from '../src/event-log-reader.ts';
import { openEmbeddedEventLog } from '../src/event-log.ts';
import { DAY, newChannels } from './event-log-fixtures.ts';
import { newDirectory, removeDirectory, temporaryDirectory } from './fixtures.ts';

describeEventLog('embedded', { open: () => newTarget({ remote: false }) });
describeEventLog('embedded, read over a channel', { open: () => newTarget({ remote: true }) });
describeEventLog('embedded, small segments on a simulated disk', {
  open: () => newTarget({ remote: false, disk: new SimulatedDisk(), segmentBytes: 5000 }),
});

const LIMITS = { partitions: SUITE_PARTITIONS, retentionMs: DAY, maxBytes: 2 ** 40 };

const nothing = (): Promise<void> => Promise.resolve();

async function newTarget(options: { remote: boolean; disk?: Disk; segmentBytes?: number }): Promise<EventLogTarget> {
  const { remote, ...rest } = options;
  const directory = await newDirectory();
  let close = nothing;
  const open = async (): Promise<OpenLog> => {
    const log = await openEmbeddedEventLog({ directory, ...LIMITS, ...rest });
    const ends = remote ? await withRemoteReader(log, directory) : { ...bothEnds(log), closeReader: nothing };
    close = async () => {
      await ends.closeReader();
      await log.close();
    };
    return ends;
  };
  const first = await open();
  return {
    ...first,
    reopen: async () => {
      await close();
      return open();
    },
    close: async () => {
      await close();
      await removeDirectory(directory);
    },
  };
}

async function withRemoteReader(
  log: EventLog,
  directory: string,
): Promise<OpenLog & { closeReader: () => Promise<void> }> {
  const [owner, other] = newChannels();
  log.serve!(owner);
  const reader = await openEmbeddedLogReader({ directory, channel: other });
  const closeReader = async (): Promise<void> => {
    await reader.close();
    other.close();
  };
  return { appender: log, reader, closeReader };
}

it('refuses another number of partitions than it was made with', async () => {
  const directory = await temporaryDirectory();
  await (await openEmbeddedEventLog({ directory, ...LIMITS })).close();
  await expect(openEmbeddedEventLog({ directory, ...LIMITS, partitions: 4 })).rejects.toMatchObject({
    code: 'PARTITIONS_MISMATCH',
    message: expect.stringMatching(/with 3 partitions .* with 4: give --partitions 3/),
    details: { field: '--partitions', value: 4, accepted: '3' },
  });
});

it('frees the group of a reader whose channel ended', async () => {
  const directory = await temporaryDirectory();
  const log = await openEmbeddedEventLog({ directory, ...LIMITS });
  const [owner, other] = newChannels();
  log.serve(owner);
  const reader = await openEmbeddedLogReader({ directory, channel: other });
  const started = Promise.withResolvers<void>();
  const options = {
    start: async () => {
      started.resolve();
      return 'earliest' as const;
    },
    handle: async () => undefined,
    signal: new AbortController().signal,
  };
  const orphan = reader.consume('group', options);
  await started.promise;
  await expect(log.consume('group', options)).rejects.toMatchObject({ code: 'GROUP_BUSY' });
  const ended = expect(orphan).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  other.close();
  await ended;
  const stop = new AbortController();
  stop.abort();
  await expect
    .poll(() =>
      log.consume('group', { ...options, signal: stop.signal }).catch((error: { code: string }) => error.code),
    )
    .toBeUndefined();
  await log.close();
});

it('ends a consumer over a channel when the log is closed', async () => {
  const directory = await temporaryDirectory();
  const log = await openEmbeddedEventLog({ directory, ...LIMITS });
  const { reader, closeReader } = await withRemoteReader(log, directory);
  const consumer = reader.consume('group', {
    start: async () => 'latest',
    handle: async () => undefined,
    signal: new AbortController().signal,
  });
  const ended = expect(consumer).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await log.close();
  await ended;
  await closeReader();
});
