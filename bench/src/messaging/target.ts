import { openLogReader } from '@millrace/core';
import {
  redisCommand,
  startKafka,
  startRedis,
  startTcpProxy,
  type ServerControl,
  type TcpProxy,
} from '@millrace/testkit';
import { Producer } from '@platformatic/kafka';

export type TargetName = 'Redis stream' | 'Kafka topic';

/** A destination behind a proxy, on a server that can be stopped. */
export interface Target {
  readonly name: TargetName;
  /** For a publisher, through the proxy. */
  readonly url: string;
  readonly proxy: TcpProxy;
  readonly server: ServerControl;
  /** A client of its own sends one message elsewhere, past the proxy. @throws while the server does not take it */
  tryRaw(): Promise<void>;
  /** Messages in the destination. */
  count(): Promise<number>;
  stop(): Promise<void>;
}

const TOPIC = 'outage';
const RAW_TIMEOUT_MS = 500;

export const startTarget = (name: TargetName): Promise<Target> =>
  name === 'Redis stream' ? redisTarget() : kafkaTarget();

/** A stream that forgets when its server ends: it must be empty then. */
async function redisTarget(): Promise<Target> {
  const server = await startRedis();
  const proxy = await startTcpProxy({ target: server });
  return {
    name: 'Redis stream',
    // Bounded, so that a million messages fit into any machine; Redis counts them nevertheless.
    url: `redisstream://127.0.0.1:${proxy.port}/${TOPIC}?maxlen=10000`,
    proxy,
    server,
    async tryRaw() {
      await redisCommand(server, 'XADD', 'raw', '*', 'data', '{}');
    },
    async count() {
      const info = (await redisCommand(server, 'XINFO', 'STREAM', TOPIC)) as readonly (string | number)[];
      return Number(info[info.indexOf('entries-added') + 1]);
    },
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

async function kafkaTarget(): Promise<Target> {
  const server = await startKafka({ proxy: true });
  await server.createTopic('raw');
  await server.createTopic(TOPIC, { partitions: 3 });
  const { url, proxy } = server.proxied!;
  return {
    name: 'Kafka topic',
    url: `${url}/${TOPIC}`,
    proxy,
    server,
    async tryRaw() {
      const producer = new Producer({
        clientId: 'raw',
        bootstrapBrokers: [server.bootstrap],
        retries: 0,
        requestTimeout: RAW_TIMEOUT_MS,
      });
      try {
        await producer.send({ messages: [{ topic: 'raw', value: Buffer.from('{}') }], acks: -1 });
      } finally {
        await producer.close(true);
      }
    },
    async count() {
      const reader = await openLogReader(`${server.url}/${TOPIC}`);
      try {
        let messages = 0;
        for (let partition = 0; partition < reader.partitions; partition++) {
          const { earliest, next } = await reader.bounds(partition);
          messages += next - earliest;
        }
        return messages;
      } finally {
        await reader.close();
      }
    },
    stop: () => server.stop(),
  };
}
