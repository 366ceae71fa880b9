import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog } from '@millrace/core';
import { caughtUp } from '@millrace/testkit';
import { expect, it } from 'vitest';
import { encodeTag } from '../src/codec.ts';
import { createPlatform } from '../src/platform.ts';
import { platformOptions } from './support/options.ts';
import { someTag } from './support/tags.ts';

it('fails when the log was removed but not the state, instead of skipping what comes in', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-lost-log-'));
  try {
    const log = await openEventLog(`embedded:${directory}`, { partitions: 10 });
    await log.append([encodeTag(someTag())]);
    await log.close();
    const first = createPlatform(platformOptions(directory));
    await caughtUp((await first.start()).url);
    await first.stop();
    await rm(join(directory, 'log'), { recursive: true });

    const second = createPlatform(platformOptions(directory));
    const failed = expect(second.failed).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await second.start().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    });
    await failed;
    await second.stop();
  } finally {
    await rm(directory, { recursive: true });
  }
});
