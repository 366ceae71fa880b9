import { MessageChannel, Worker } from 'node:worker_threads';

import { expect, it } from 'vitest';

import { openEmbeddedEventLog, type EmbeddedEventLog } from '../src/event-log.ts';
import { DAY } from './event-log-fixtures.ts';
import { temporaryDirectory } from './fixtures.ts';
import { portChannel } from './port-channel.ts';

const COUNT = 20_000;

/** Starts a thread that consumes everything; resolves once it has seen all records, with their sum. */
async function consumeInWorker(log: EmbeddedEventLog, directory: string): Promise<{ sum: number; worker: Worker }> {
  const { port1, port2 } = new MessageChannel();
  log.serve(portChannel(port1));
  const worker = new Worker(new URL('read-log-worker.ts', import.meta.url), {
    workerData: { directory, port: port2 },
    transferList: [port2],
  });
  const sum = await new Promise<number>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (seen: { records: number; sum: number }) => {
      if (seen.records === COUNT) resolve(seen.sum);
    });
  });
  return { sum, worker };
}

it('is read by another thread while it is written, and by the thread that replaces it', async () => {
  const directory = await temporaryDirectory();
  const log = await openEmbeddedEventLog({ directory, partitions: 3, retentionMs: DAY, maxBytes: 1e12 });
  const first = consumeInWorker(log, directory);
  for (let i = 0; i < COUNT; i += 100) {
    const values = Array.from({ length: 100 }, (_, k) => Buffer.from(Uint32Array.of(i + k).buffer));
    await Promise.all(values.map((value) => log.append([{ value }])));
  }
  const { sum, worker } = await first;
  expect(sum).toBe((COUNT * (COUNT - 1)) / 2);
  // It dies without a word, its group must not die with it.
  await worker.terminate();
  const second = await consumeInWorker(log, directory);
  expect(second.sum).toBe(sum);
  await second.worker.terminate();
  await log.close();
});
