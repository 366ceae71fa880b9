import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { STATE_MINUTE, STATE_SCHEMA, STATE_START } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

import { openEmbeddedStateReader } from '../../src/state/reader.ts';
import { temporaryDirectory } from '../fixtures.ts';
import type { CommitWork } from './commit-worker.ts';

it('answers in one thread while another commits, and sees whole commits only', async () => {
  const options = {
    directory: await temporaryDirectory(),
    schema: STATE_SCHEMA,
    partitions: 4,
    keep: 50,
    retentionMs: 1e9,
  };
  const looks = new Int32Array(new SharedArrayBuffer(4));
  const work: CommitWork = { options, start: STATE_START, commits: 400, perCommit: 60, looks };
  const reader = await openEmbeddedStateReader(options);
  const worker = new Worker(join(import.meta.dirname, 'commit-worker.ts'), { workerData: work });
  onTestFinished(async () => void (await worker.terminate()));
  const errors: unknown[] = [];
  worker.on('error', (error) => errors.push(error));

  const query = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: ['brand'], limit: 1000 };
  const seen = new Set<number>();
  // The thread's id becomes -1 when it has ended.
  while (worker.threadId !== -1) {
    const { rows } = await reader.rollup(query);
    // Each commit has a brand of its own, new in the dictionary.
    expect(rows.every(({ count }) => count === work.perCommit)).toBe(true);
    expect(rows.length).toBeGreaterThanOrEqual(Math.max(0, ...seen));
    seen.add(rows.length);
    const entries = await reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 50 });
    expect(entries.length === 0 || entries.length === 50).toBe(true);
    Atomics.add(looks, 0, 1);
    Atomics.notify(looks, 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(errors).toEqual([]);
  expect((await reader.rollup(query)).rows).toHaveLength(work.commits);
  expect(await reader.committed(0)).toBe(work.commits * work.perCommit);
  expect([...seen]).toEqual(expect.arrayContaining([100, 200, 300, 400]));
  await reader.close();
});
