/** Consumes the log of the directory in this thread, over the port, and posts how much it has seen. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { openEmbeddedLogReader } from '../src/event-log-reader.ts';
import { portChannel } from './port-channel.ts';

const { directory, port } = workerData as { directory: string; port: MessagePort };
const parent = portChannel(parentPort!);
const reader = await openEmbeddedLogReader({ directory, channel: portChannel(port) });
let records = 0;
let sum = 0;
await reader.consume('worker', {
  start: async () => 'earliest',
  handle: async (batches) => {
    for (const batch of batches) {
      records += batch.records.length;
      for (const { value } of batch.records) sum += Buffer.from(value).readUInt32LE(0);
    }
    await Promise.all(batches.map(({ partition, to }) => reader.release('worker', partition, to)));
    parent.post({ records, sum });
  },
  signal: new AbortController().signal,
});
