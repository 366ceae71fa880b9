import { setTimeout as sleep } from 'node:timers/promises';
import { openEventLog, openSubscriber, type EventLog, type JsonValue, type Subscriber } from '@millrace/core';
import { redisCommand, type KafkaServer, type RedisServer } from '@millrace/testkit';
import { Consumer } from '@platformatic/kafka';
import { Redis } from 'ioredis';
import type { Contender, Contest } from './contest.ts';
import { Orders, type Order } from './order.ts';
import { drainWithFetch } from './raw-fetch.ts';

/** Entries that the raw client asks for at a time. */
const COUNT = 1000;
const STREAM = 'orders';
/** More in the stream than is read: at its end a reader that waits for new entries would be measured, not the reading. */
const MORE = 10 * COUNT;
const CHANNEL = 'orders';
const TOPIC = 'orders';
const PARTITIONS = 3;
/** The log that is read with `fetch()`, several times faster than messages are decoded. */
const LOG = 'records';
const RECORDS_PER_OPERATION = 8;
/** Published by the server itself in one go, so that no publisher shares the processor's time with the subscriber. */
const PUBLISH = `for i = 1, tonumber(ARGV[2]) do redis.call('publish', KEYS[1], ARGV[1]) end`;
const BURST = 5000;

/**
 * Every message is decoded from JSON on both sides, and acknowledged where there is something to acknowledge. To connect
 * and to join a group is part of it, where both sides do so.
 */
export function subscribingContests(redis: RedisServer, kafka: KafkaServer, operations: number): readonly Contest[] {
  const limit = { rateRatio: 0.9, cpuRatio: 1.15 };
  const { host } = new URL(redis.url);
  return [
    {
      name: 'Redis stream, consumer group',
      limit,
      operations,
      raw: rawStream(redis, operations),
      ours: subscriber(`redisstream://${host}/${STREAM}`, operations, (group) => ({ group })),
    },
    {
      name: 'Redis channel',
      limit,
      operations,
      raw: rawChannel(redis, operations),
      ours: ourChannel(redis, operations),
    },
    {
      name: 'Kafka topic, consumer group',
      limit,
      operations,
      raw: rawTopic(kafka, operations),
      ours: subscriber(`${kafka.url}/${TOPIC}`, operations, (group) => ({ group_id: group })),
    },
    {
      name: 'Kafka consume loop of a log against fetch()',
      limit: { rateRatio: 0.8 },
      operations: RECORDS_PER_OPERATION * operations,
      raw: rawFetch(kafka, RECORDS_PER_OPERATION * operations),
      ours: consumeLoop(kafka, RECORDS_PER_OPERATION * operations),
    },
  ];
}

/** What there is to read: a stream and a topic with so many messages, and a log with more. */
export async function fill(redis: RedisServer, kafka: KafkaServer, operations: number): Promise<void> {
  // A subscriber that is slower than the server's burst must not be thrown out.
  await redisCommand(redis, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
  await Promise.all([TOPIC, LOG].map((name) => kafka.createTopic(name, { partitions: PARTITIONS })));
  const orders = new Orders();
  const client = new Redis({ port: redis.port, host: '127.0.0.1' });
  const [topic, log] = (await Promise.all(
    [TOPIC, LOG].map((name) => openEventLog(`${kafka.url}/${name}`, { partitions: PARTITIONS })),
  )) as [EventLog, EventLog];
  for (let from = 0; from < operations + MORE; from += COUNT) {
    const texts = Array.from({ length: COUNT }, (_, index) => JSON.stringify(orders.at(from + index)));
    await client.pipeline(texts.map((text) => ['xadd', STREAM, '*', 'data', text])).exec();
    if (from >= operations) continue;
    const records = texts.map((text, index) => ({ key: orders.keyAt(from + index), value: Buffer.from(text) }));
    await topic.append(records);
    await Promise.all(Array.from({ length: RECORDS_PER_OPERATION }, () => log.append(records)));
  }
  client.disconnect();
  await Promise.all([topic.close(), log.close()]);
}

/** Counts what is decoded, and looks into it: work that nobody looks at could be left out. */
class Tally {
  #orders = 0;
  #totals = 0;

  add(order: JsonValue): void {
    this.#orders++;
    this.#totals += Number((order as Order)['total']);
  }

  get count(): number {
    return this.#orders;
  }

  check(operations: number): void {
    if (this.#orders === operations && this.#totals > 0) return;
    throw new Error(`${this.#orders} of ${operations} messages were received, their totals are ${this.#totals}`);
  }
}

let groups = 0;
const newGroup = (): string => `group-${groups++}`;

function subscriber(url: string, operations: number, options: (group: string) => Record<string, string>): Contender {
  return {
    prepare() {
      const tally = new Tally();
      let opened: Subscriber | undefined;
      return Promise.resolve({
        async work() {
          const stop = new AbortController();
          opened = await openSubscriber(url, options(newGroup()));
          await opened.subscribe(
            ({ value }) => {
              tally.add(value);
              if (tally.count === operations) stop.abort();
            },
            { signal: stop.signal },
          );
          while (opened.details().acknowledged < operations) await sleep(1);
          tally.check(operations);
        },
        async end() {
          await opened?.close();
        },
      });
    },
  };
}

function rawStream({ port }: RedisServer, operations: number): Contender {
  return {
    prepare() {
      const tally = new Tally();
      return Promise.resolve({
        async work() {
          const group = newGroup();
          const client = new Redis({ port, host: '127.0.0.1' });
          await client.xgroup('CREATE', STREAM, group, '0');
          let acknowledged: Promise<unknown> = Promise.resolve();
          while (tally.count < operations) {
            const answer = await client.xreadgroup('GROUP', group, 'raw', 'COUNT', COUNT, 'STREAMS', STREAM, '>');
            const [, entries] = (answer as [[string, [id: string, fields: string[]][]]])[0];
            for (const [, fields] of entries) tally.add(JSON.parse(fields[1]!) as JsonValue);
            // Its answer is waited for together with the next entries.
            acknowledged = client.xack(STREAM, group, ...entries.map(([id]) => id));
          }
          await acknowledged;
          client.disconnect();
          tally.check(operations);
        },
        end: () => Promise.resolve(),
      });
    },
  };
}

async function burst(redis: RedisServer, operations: number): Promise<void> {
  const text = JSON.stringify(new Orders().at(0));
  for (let sent = 0; sent < operations; sent += BURST) {
    await redisCommand(redis, 'EVAL', PUBLISH, '1', CHANNEL, text, String(Math.min(BURST, operations - sent)));
  }
}

function rawChannel(redis: RedisServer, operations: number): Contender {
  return {
    async prepare() {
      const client = new Redis({ port: redis.port, host: '127.0.0.1' });
      await client.subscribe(CHANNEL);
      const tally = new Tally();
      const { promise: complete, resolve } = Promise.withResolvers<void>();
      return {
        async work() {
          client.on('message', (_channel: string, text: string) => {
            tally.add(JSON.parse(text) as JsonValue);
            if (tally.count === operations) resolve();
          });
          await Promise.all([burst(redis, operations), complete]);
          tally.check(operations);
        },
        end: () => Promise.resolve(client.disconnect()),
      };
    },
  };
}

function ourChannel(redis: RedisServer, operations: number): Contender {
  return {
    async prepare() {
      const subscribed = await openSubscriber(`redischannel://${new URL(redis.url).host}/${CHANNEL}`);
      const tally = new Tally();
      return {
        async work() {
          const stop = new AbortController();
          const receiving = subscribed.subscribe(
            ({ value }) => {
              tally.add(value);
              if (tally.count === operations) stop.abort();
            },
            { signal: stop.signal },
          );
          await Promise.all([burst(redis, operations), receiving]);
          tally.check(operations);
        },
        end: () => subscribed.close(),
      };
    },
  };
}

/** The driver's own consumer, with its offsets told once a second, as ours are. */
function rawTopic(kafka: KafkaServer, operations: number): Contender {
  return {
    prepare() {
      const consumer = new Consumer({
        clientId: 'raw',
        groupId: newGroup(),
        bootstrapBrokers: [kafka.bootstrap],
        autocommit: 1000,
      });
      const tally = new Tally();
      return Promise.resolve({
        async work() {
          const stream = await consumer.consume({ topics: [TOPIC], mode: 'earliest' });
          for await (const { value } of stream) {
            tally.add(JSON.parse(value.toString()) as JsonValue);
            if (tally.count === operations) break;
          }
          tally.check(operations);
        },
        end: () => consumer.close(true),
      });
    },
  };
}

function rawFetch(kafka: KafkaServer, operations: number): Contender {
  return {
    async prepare() {
      const consumer = new Consumer({ clientId: 'raw', groupId: 'none', bootstrapBrokers: [kafka.bootstrap] });
      consumer.topics.track(LOG);
      await consumer.metadata({ topics: [LOG] });
      return {
        work: () => drainWithFetch(consumer, { topic: LOG, partitions: PARTITIONS, records: operations }),
        end: () => consumer.close(true),
      };
    },
  };
}

function consumeLoop(kafka: KafkaServer, operations: number): Contender {
  return {
    async prepare() {
      const log = await openEventLog(`${kafka.url}/${LOG}`, { partitions: PARTITIONS });
      const stop = new AbortController();
      let [records, bytes] = [0, 0];
      return {
        async work(begin) {
          await log.consume(newGroup(), {
            start() {
              // To join a group is what `fetch()` does not do.
              if (records === 0) begin();
              return Promise.resolve('earliest');
            },
            async handle(batches) {
              for (const batch of batches) {
                for (const { value } of batch.records) {
                  records++;
                  bytes += value.length;
                }
              }
              if (records >= operations) stop.abort();
            },
            signal: stop.signal,
          });
          if (bytes < operations) throw new Error(`${records} records have ${bytes} bytes`);
        },
        end: () => log.close(),
      };
    },
  };
}
