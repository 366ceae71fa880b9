import { randomUUID } from 'node:crypto';
import { openPublisher, openSubscriber, type JsonValue, type Message } from '@millrace/core';
import {
  describePublisher,
  describeSubscriber,
  redisCommand,
  type RedisServer,
  serverAvailable,
  startRedis,
} from '@millrace/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';

const KEYLESS = 'a channel carries the value only; see channels.test.ts';

describe.skipIf(!serverAvailable('redis'))('on a real server', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  const newUrl = (kind: string): string => `redis${kind}://127.0.0.1:${server.port}/${randomUUID()}`;

  describePublisher('redisstream:', {
    open: async () => {
      const url = newUrl('stream');
      const publisher = await openPublisher(url);
      return {
        publisher,
        received: async () => ((await redisCommand(server, 'XRANGE', nameOf(url), '-', '+')) as Entries).map(messageOf),
        close: () => publisher.close(),
      };
    },
  });

  describeSubscriber('redisstream:', {
    open: async () => {
      const url = newUrl('stream');
      const publisher = await openPublisher(url);
      const subscriber = await openSubscriber(url);
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

  describePublisher('redischannel:', {
    skip: { 'delivers the key': KEYLESS },
    open: async () => {
      const url = newUrl('channel');
      const publisher = await openPublisher(url);
      const listener = new Redis(server.url);
      const messages: Message[] = [];
      listener.on('message', (_channel, body) => messages.push({ value: JSON.parse(body) as JsonValue }));
      await listener.subscribe(nameOf(url));
      return {
        publisher,
        received: async () => {
          // Its answer comes behind all messages.
          await listener.ping();
          return messages;
        },
        close: async () => {
          await publisher.close();
          listener.disconnect();
        },
      };
    },
  });

  describeSubscriber('redischannel:', {
    skip: { 'receives key and value': KEYLESS },
    open: async () => {
      const url = newUrl('channel');
      const publisher = await openPublisher(url);
      const subscriber = await openSubscriber(url);
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
});

const nameOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

type Entries = readonly (readonly [id: string, fields: readonly string[]])[];

function messageOf([, fields]: Entries[number]): Message {
  const field = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
  const value = JSON.parse(field('data')!) as JsonValue;
  return fields.includes('key') ? { key: field('key')!, value } : { value };
}
