import { openPublisher, openSubscriber } from '@millrace/core';
import type { Message, Subscriber } from '@millrace/core';
import { describePublisher, describeSubscriber, freePort } from '@millrace/testkit';

/** Everything that arrives, answered at once. */
async function collect(subscriber: Subscriber, messages: Message[]): Promise<void> {
  await subscriber.subscribe((message) => void messages.push(message));
}

describePublisher('webhook', {
  open: async () => {
    const url = `rest://127.0.0.1:${await freePort()}/orders`;
    const target = await openSubscriber(url, { secret: 'a secret' });
    const publisher = await openPublisher(url, { secret: 'a secret' });
    const messages: Message[] = [];
    const collecting = collect(target, messages);
    return {
      publisher,
      received: async () => [...messages],
      close: async () => {
        await publisher.close();
        await target.close();
        await collecting;
      },
    };
  },
});

const ONE_BY_ONE = 'a sender in order waits for each answer; rest.test.ts asks it of several senders';

describeSubscriber('webhook', {
  skip: {
    'takes any time as it is meant': ONE_BY_ONE,
    'gives each message to one of several waiting calls': ONE_BY_ONE,
  },
  open: async () => {
    const url = `rest://127.0.0.1:${await freePort()}/orders`;
    const subscriber = await openSubscriber(url);
    const publisher = await openPublisher(url);
    return {
      subscriber,
      // The answer comes when the subscriber is done with the message, which these tests do not wait for.
      send: (message) => publisher.enqueue(message),
      close: async () => {
        await subscriber.close();
        await publisher.close({ deadlineMs: 0 }).catch(() => undefined);
      },
    };
  },
});
