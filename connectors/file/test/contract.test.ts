import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher, openSubscriber } from '@millrace/core';
import type { Message } from '@millrace/core';
import { describePublisher, describeSubscriber } from '@millrace/testkit';

const KEYS = { reason: 'a line is the value alone; file.test.ts shows it' };

async function openFolder(): Promise<{ url: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-file-'));
  return { url: `file://${folder}/orders.jsonl`, remove: () => rm(folder, { recursive: true }) };
}

for (const lines of ['values', 'messages'] as const) {
  describePublisher(`file of ${lines}`, {
    skip: lines === 'values' ? { 'delivers the key': KEYS.reason } : {},
    open: async () => {
      const { url, remove } = await openFolder();
      const publisher = await openPublisher(url, { lines });
      return {
        publisher,
        received: async () => {
          const reader = await openSubscriber(url, { lines });
          const messages: Message[] = [];
          for await (const message of reader) messages.push(message);
          await reader.close();
          return messages;
        },
        close: async () => {
          await publisher.close();
          await remove();
        },
      };
    },
  });

  describeSubscriber(`file of ${lines}`, {
    skip: lines === 'values' ? { 'receives key and value': KEYS.reason } : {},
    open: async () => {
      const { url, remove } = await openFolder();
      const publisher = await openPublisher(url, { lines });
      const subscriber = await openSubscriber(url, { lines, follow: true });
      return {
        subscriber,
        send: (message) => publisher.publish(message),
        close: async () => {
          await publisher.close();
          await subscriber.close();
          await remove();
        },
      };
    },
  });
}
