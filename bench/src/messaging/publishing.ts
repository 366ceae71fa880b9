import { setImmediate as breathe } from 'node:timers/promises';
import { openPublisher, type Publisher } from '@millrace/core';
import type { KafkaServer, RedisServer } from '@millrace/testkit';
import { Producer } from '@platformatic/kafka';
import { Redis, type ChainableCommander } from 'ioredis';
import type { Contender, Contest } from './contest.ts';
import { Orders } from './order.ts';

/** Messages in one request: what a publisher sends at most, by default. */
const BATCH = 1000;
const TOPIC = 'orders';

/**
 * A batch at a time, encoded as JSON on both sides, the next one when each message of the one before is confirmed. Once,
 * for comparison, with `enqueue`, whose queue takes all of them first.
 */
export function publishingContests(redis: RedisServer, kafka: KafkaServer, operations: number): readonly Contest[] {
  const orders = new Orders();
  const limit = { rateRatio: 0.9, cpuRatio: 1.15 };
  const { host } = new URL(redis.url);
  const redisContest = (
    name: string,
    url: string,
    add: (pipeline: ChainableCommander, number: number) => unknown,
    send: Send = publishInBatches,
  ): Contest => ({
    name,
    ...(send === publishInBatches ? { limit } : {}),
    operations,
    raw: rawRedis(redis.port, operations, add),
    ours: ours({ url, orders, operations }, send, async () => {
      await withRedis(redis.port, (client) => client.flushall());
    }),
  });
  const addEntry = (pipeline: ChainableCommander, number: number): unknown =>
    pipeline.xadd('orders', '*', 'data', JSON.stringify(orders.at(number)), 'key', orders.keyAt(number));
  return [
    redisContest('Redis SET', `redis://${host}/orders`, (pipeline, number) =>
      pipeline.set(`orders:${orders.keyAt(number)}`, JSON.stringify(orders.at(number))),
    ),
    redisContest('Redis XADD', `redisstream://${host}/orders`, addEntry),
    redisContest('Redis XADD by enqueue', `redisstream://${host}/orders`, addEntry, enqueueAll),
    redisContest('Redis PUBLISH', `redischannel://${host}/orders`, (pipeline, number) =>
      pipeline.publish('orders', JSON.stringify(orders.at(number))),
    ),
    {
      name: 'Kafka produce, acks=all, idempotent',
      limit,
      operations,
      raw: rawKafka(kafka, orders, operations),
      ours: ours({ url: `${kafka.url}/${TOPIC}`, orders, operations }, publishInBatches, () => Promise.resolve()),
    },
  ];
}

/** The topic that both sides produce to. */
export const createOrdersTopic = (kafka: KafkaServer): Promise<boolean> => kafka.createTopic(TOPIC, { partitions: 3 });

type Send = (publisher: Publisher, orders: Orders, operations: number) => Promise<void>;

async function publishInBatches(publisher: Publisher, orders: Orders, operations: number): Promise<void> {
  for (let from = 0; from < operations; from += BATCH) {
    await Promise.all(
      Array.from({ length: BATCH }, (_, index) => {
        const number = from + index;
        return publisher.publish({ key: orders.keyAt(number), value: orders.at(number) });
      }),
    );
  }
}

async function enqueueAll(publisher: Publisher, orders: Orders, operations: number): Promise<void> {
  for (let number = 0; number < operations; number++) {
    await publisher.enqueue({ key: orders.keyAt(number), value: orders.at(number) });
    // A loop of promises alone keeps everything else from running.
    if (number % BATCH === BATCH - 1) await breathe();
  }
  await publisher.flush();
}

function ours(
  { url, orders, operations }: { readonly url: string; readonly orders: Orders; readonly operations: number },
  send: Send,
  clean: () => Promise<void>,
): Contender {
  return {
    async prepare() {
      const publisher = await openPublisher(url);
      return {
        async work() {
          await send(publisher, orders, operations);
          const { publish_count: published } = publisher.details();
          if (published !== operations) throw new Error(`${published} of ${operations} were published`);
        },
        async end() {
          await publisher.close();
          await clean();
        },
      };
    },
  };
}

function rawRedis(
  port: number,
  operations: number,
  add: (pipeline: ChainableCommander, number: number) => unknown,
): Contender {
  return {
    async prepare() {
      const client = new Redis({ port, host: '127.0.0.1' });
      await client.ping();
      return {
        async work() {
          for (let from = 0; from < operations; from += BATCH) {
            const pipeline = client.pipeline();
            for (let number = from; number < from + BATCH; number++) add(pipeline, number);
            for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
          }
        },
        async end() {
          await client.flushall();
          client.disconnect();
        },
      };
    },
  };
}

function rawKafka(kafka: KafkaServer, orders: Orders, operations: number): Contender {
  return {
    async prepare() {
      const producer = new Producer({ clientId: 'raw', bootstrapBrokers: [kafka.bootstrap], idempotent: true });
      await producer.metadata({ topics: [TOPIC] });
      return {
        async work() {
          for (let from = 0; from < operations; from += BATCH) {
            const messages = Array.from({ length: BATCH }, (_, index) => ({
              topic: TOPIC,
              key: Buffer.from(orders.keyAt(from + index)),
              value: Buffer.from(JSON.stringify(orders.at(from + index))),
            }));
            await producer.send({ messages, acks: -1 });
          }
        },
        async end() {
          await producer.close();
        },
      };
    },
  };
}

async function withRedis(port: number, work: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis({ port, host: '127.0.0.1' });
  await work(client);
  client.disconnect();
}
