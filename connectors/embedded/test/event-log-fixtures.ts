import { MessageChannel } from 'node:worker_threads';

import type { Channel } from '@millrace/core';
import { SimulatedDisk } from '@millrace/storage';
import { onTestFinished } from 'vitest';

import { openEmbeddedEventLog, type EmbeddedEventLog, type EmbeddedEventLogOptions } from '../src/event-log.ts';
import { portChannel } from './port-channel.ts';

export const DAY = 24 * 3600 * 1000;

/** Log messages with their details, instead of a logger that prints. */
export class CollectedLog {
  readonly warnings: { readonly details: object; readonly message: string }[] = [];

  warn(details: object, message: string): void {
    this.warnings.push({ details, message });
  }
}

/** A log on a simulated disk, three partitions, closed with the test. */
export async function openSimulatedLog(
  disk: SimulatedDisk,
  options: Partial<EmbeddedEventLogOptions> = {},
): Promise<EmbeddedEventLog> {
  const log = await openEmbeddedEventLog({
    directory: '/log',
    disk,
    partitions: 3,
    retentionMs: DAY,
    maxBytes: 2 ** 40,
    ...options,
  });
  onTestFinished(async () => {
    await log.close().catch((error: unknown) => {
      // Logs of tests that break their disk may refuse to close; those tests look at that themselves.
      if (!(error instanceof Error)) throw error;
    });
  });
  return log;
}

/** Both ends of a channel between threads, here within one. */
export function newChannels(): readonly [owner: Channel, reader: Channel] {
  const { port1, port2 } = new MessageChannel();
  return [portChannel(port1), portChannel(port2)];
}
