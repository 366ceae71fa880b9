import { FanInSubscriber, FanOutPublisher, HolderPublisher, HolderSubscriber, RouterPublisher } from '@millrace/core';
import { describePublisher, describeSubscriber } from '@millrace/testkit';

describePublisher('holder', {
  open: async () => {
    const publisher = new HolderPublisher('holder');
    await publisher.start();
    return {
      publisher,
      received: async () => publisher.getPublishedMessages(),
      close: () => publisher.close(),
    };
  },
});

describePublisher('fan-out', {
  open: async () => {
    const [first, second] = [new HolderPublisher('first'), new HolderPublisher('second')];
    const publisher = new FanOutPublisher('all', [first, second]);
    await publisher.start();
    return {
      publisher,
      received: async () => second.getPublishedMessages(),
      close: () => publisher.close(),
    };
  },
});

describePublisher('router', {
  open: async () => {
    const holder = new HolderPublisher('holder');
    const publisher = new RouterPublisher('router', { resolver: () => 'only', routes: { only: holder } });
    await publisher.start();
    return { publisher, received: async () => holder.getPublishedMessages(), close: () => publisher.close() };
  },
});

describeSubscriber('holder', {
  open: async () => {
    const subscriber = new HolderSubscriber('holder');
    await subscriber.start();
    return {
      subscriber,
      send: async ({ key, value }) =>
        subscriber.addData(key === undefined ? value : { __dagserver_key: key, ...(value as object) }),
      close: () => subscriber.close(),
    };
  },
});

const ONE_EACH = 'asking such a child again would acknowledge what it gave: it is asked when that is done with';

for (const ack of ['auto', 'manual'] as const) {
  describeSubscriber(`fan-in of children with ${ack} acknowledgement`, {
    skip:
      ack === 'manual'
        ? {}
        : { 'takes any time as it is meant': ONE_EACH, 'gives each message to one of several waiting calls': ONE_EACH },
    open: async () => {
      const children = [new HolderSubscriber('a', { ack }), new HolderSubscriber('b', { ack })] as const;
      const subscriber = new FanInSubscriber('merged', children);
      await subscriber.start();
      return {
        subscriber,
        send: async ({ key, value }) =>
          children[0].addData(key === undefined ? value : { __dagserver_key: key, ...(value as object) }),
        close: () => subscriber.close(),
      };
    },
  });
}
