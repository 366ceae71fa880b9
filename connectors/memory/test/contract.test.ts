import { MemoryBroker } from '@millrace/memory';
import type { Message } from '@millrace/core';
import { describePublisher, describeSubscriber } from '@millrace/testkit';

for (const kind of ['queue', 'topic']) {
  const url = `memory://${kind}/orders`;

  describePublisher(`memory ${kind}`, {
    open: async () => {
      const broker = new MemoryBroker();
      const [publisher, reader] = [await broker.openPublisher(url), await broker.openSubscriber(url)];
      return {
        publisher,
        received: async () => {
          const messages: Message[] = [];
          for (let next = await reader.next({ timeoutMs: 0 }); next; next = await reader.next({ timeoutMs: 0 })) {
            messages.push(next);
          }
          return messages;
        },
        close: async () => {
          await publisher.close();
          await reader.close();
        },
      };
    },
  });

  describeSubscriber(`memory ${kind}`, {
    open: async () => {
      const broker = new MemoryBroker();
      const [publisher, subscriber] = [await broker.openPublisher(url), await broker.openSubscriber(url)];
      return {
        subscriber,
        send: (message) => publisher.publish(message),
        close: async () => {
          await publisher.close();
          await subscriber.close();
        },
      };
    },
  });
}
