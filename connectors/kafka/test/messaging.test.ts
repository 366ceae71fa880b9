import { openPublisher, openSubscriber, type Message } from '@millrace/core';
import { describePublisher, describeSubscriber } from '@millrace/testkit';

import { newTopic, useKafka } from './fixture.ts';

const kafka = useKafka();

describePublisher('kafka', {
  async open() {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 1 });
    const reader = await openSubscriber(url);
    return {
      publisher,
      async received() {
        const messages: Message[] = [];
        let next = await reader.next({ timeoutMs: 1000 });
        while (next !== undefined) {
          messages.push(next);
          next = await reader.next({ timeoutMs: 200 });
        }
        return messages;
      },
      async close() {
        await publisher.close();
        await reader.close();
      },
    };
  },
});

describeSubscriber('kafka', {
  async open() {
    const url = `${kafka().url}/${newTopic()}`;
    const publisher = await openPublisher(url, { partitions: 1 });
    const subscriber = await openSubscriber(url);
    return {
      subscriber,
      send: (message) => publisher.publish(message),
      async close() {
        await publisher.close();
        await subscriber.close();
      },
    };
  },
});
