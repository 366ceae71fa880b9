import { randomUUID } from 'node:crypto';
import { type JsonValue, type Message, openPublisher, openSubscriber } from '@millrace/core';
import {
  anyRedis,
  type AnyRedis,
  anyRedisAvailable,
  changingPublisher,
  describePublisher,
  describeSubscriber,
  type RedisCluster,
  type RedisReply,
  serverAvailable,
  startRedisCluster,
  type SubscriberTarget,
} from '@millrace/testkit';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect } from 'vitest';

const KEYLESS = 'a channel carries the value only; see channels.test.ts';
const UNORDERED = 'keys have no order among one another; of one key the last value counts, see keys.test.ts';

/** Where the suites run; one stream, channel or prefix per test, which lie on all nodes of the Cluster. */
interface Place {
  /** URL of a publisher and subscriber of `kind` (`stream`, `channel`, or empty for keys) at this name. */
  url(kind: string, name: string): string;
  command(...command: readonly string[]): Promise<RedisReply>;
  /** A listener to a channel, on the node where it is published. */
  listener(): Redis;
}

describe.skipIf(!anyRedisAvailable())('on a real server', () => {
  let server: AnyRedis;

  beforeAll(async () => {
    server = await anyRedis();
  });
  afterAll(() => server.stop());

  describeAll('', {
    url: (kind, name) => `${server.url.replace('redis:', `redis${kind}:`)}/${name}?`,
    command: (...command) => server.command(...command),
    listener: () => new Redis(server.url),
  });
});

describe.skipIf(!serverAvailable('redis'))('on a real Cluster', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  describeAll(' on a Cluster', {
    url: (kind, name) => `${cluster.url.replace('redis:', `redis${kind}:`)}/${name}?cluster=true`,
    command: (...command) => cluster.command(...command),
    listener: () => new Redis(cluster.nodes[0]!.url),
  });
});

function describeAll(where: string, place: Place): void {
  describePublisher(`redisstream:${where}`, {
    open: async () => {
      const name = randomUUID();
      const publisher = await openPublisher(place.url('stream', name));
      return {
        publisher,
        received: async () => ((await place.command('XRANGE', name, '-', '+')) as Entries).map(messageOf),
        close: () => publisher.close(),
      };
    },
  });

  describeSubscriber(`redisstream:${where}`, { open: () => openBoth(place.url('stream', randomUUID())) });

  describePublisher(`redischannel:${where}`, {
    skip: { 'delivers the key': KEYLESS },
    open: async () => {
      const name = randomUUID();
      const publisher = await openPublisher(place.url('channel', name));
      const listener = place.listener();
      const messages: Message[] = [];
      listener.on('message', (_channel, body) => messages.push({ value: JSON.parse(body) as JsonValue }));
      await listener.subscribe(name);
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

  describeSubscriber(`redischannel:${where}`, {
    skip: { 'receives key and value': KEYLESS },
    open: () => openBoth(place.url('channel', randomUUID())),
  });

  describePublisher(`redis:${where}`, {
    skip: {
      'keeps the order of calls that are awaited': UNORDERED,
      'keeps the order of calls that are not awaited': UNORDERED,
    },
    open: async () => {
      const name = randomUUID();
      const keys: string[] = [];
      const publisher = changingPublisher(await openPublisher(place.url('', name)), (message) => {
        const changed = withKey(message, keys.length);
        keys.push(changed.key!);
        return changed;
      });
      return {
        publisher,
        received: async () => {
          const values = await Promise.all(keys.map((key) => place.command('GET', `${name}:${key}`)));
          return values.flatMap((value, i) =>
            value === null ? [] : [withoutKey({ key: keys[i]!, value: JSON.parse(value as string) as JsonValue })],
          );
        },
        close: () => publisher.close(),
      };
    },
  });

  describeSubscriber(`redis:${where}`, {
    skip: { 'receives nothing while frozen': UNORDERED },
    open: async () => {
      const url = place.url('', randomUUID());
      let sent = 0;
      const publisher = changingPublisher(await openPublisher(url), (message) => withKey(message, sent++));
      const subscriber = await openSubscriber(url, { pollInterval: 0.005, notify: dropKey });
      return {
        subscriber,
        send: async (message) => {
          const before = subscriber.details().receive_count;
          await publisher.publish(message);
          // One by one, as those that are found together come in any order.
          await expect.poll(() => subscriber.details().receive_count, { interval: 2 }).toBeGreaterThan(before);
        },
        close: async () => {
          await publisher.close();
          await subscriber.close();
        },
      };
    },
  });
}

async function openBoth(url: string): Promise<SubscriberTarget> {
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
}

type Entries = readonly (readonly [id: string, fields: readonly string[]])[];

function messageOf([, fields]: Entries[number]): Message {
  const field = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
  const value = JSON.parse(field('data')!) as JsonValue;
  return fields.includes('key') ? { key: field('key')!, value } : { value };
}

/** Each message of the suite lies under a key of its own, which holds the one that it may have. */
const withKey = ({ key, value }: Message, number: number): Message => ({
  key: key === undefined ? `${number}` : `${number}=${key}`,
  value,
});

function withoutKey({ key = '', value }: Message): Message {
  const at = key.indexOf('=');
  return at === -1 ? { value } : { key: key.slice(at + 1), value };
}

/** Before the message is given away. */
const dropKey = (message: Message): void => void Object.assign(message, { key: withoutKey(message).key });
