import { existsSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';
import { type KafkaSecureListener, listenerProperties, secureListener } from './kafka-listeners.ts';
import { coordinatorPort, createTopic } from './kafka-request.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** Where setup leaves the broker: `java.args` with JVM options and class path, `formatted` to copy as data directory. */
const INSTALLED = fileURLToPath(new URL('../../../.cache/kafka/current/', import.meta.url));
const JAVA_ARGUMENTS = join(INSTALLED, 'java.args');

const SETTINGS = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': false,
  // One node cannot hold the three copies that Kafka asks for by default; few partitions are quicker to start.
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  // Consumers of a test come one by one, without a pause to collect them.
  'group.initial.rebalance.delay.ms': 0,
  // After a kill -9 the broker is let in again only once its former session has ended, 9 s by default.
  'broker.session.timeout.ms': 2000,
  'broker.heartbeat.interval.ms': 250,
  // 128 MB by default, which would not fit into the small heap.
  'log.cleaner.dedupe.buffer.size': 4_194_304,
};

export interface KafkaOptions {
  /** Further lines of server.properties, which win over the fixture's own. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Listen on a second port with TLS and SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512): see `secure` of the server. */
  readonly secure?: boolean;
  /** Listen on a further port, behind a proxy that can break its connections: see `proxied` of the server. */
  readonly proxy?: boolean;
  /** Further options of Java, such as `['-Xmx1g', '-XX:TieredStopAtLevel=4']`; default 256 MB and the quick compiler. */
  readonly jvmOptions?: readonly string[];
}

export interface KafkaServer extends ServerControl {
  /** `kafka://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** `127.0.0.1:PORT`, as clients of Kafka want it. */
  readonly bootstrap: string;
  /** The listener with TLS and SASL, when it was asked for. */
  readonly secure?: KafkaSecureListener;
  /** The listener behind a proxy, when it was asked for; the broker names the proxy to the clients that came through it. */
  readonly proxied?: KafkaProxiedListener;
  /** Creates a topic with one replica. @returns false when it exists already */
  createTopic(topic: string, options?: TopicOptions): Promise<boolean>;
}

export interface TopicOptions {
  /** Default 1. */
  readonly partitions?: number;
  /** Of the topic, such as `{ 'retention.ms': '1000' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface KafkaProxiedListener {
  /** `kafka://127.0.0.1:PORT` of the proxy. */
  readonly url: string;
  readonly bootstrap: string;
  readonly proxy: TcpProxy;
}

/** Whether setup has installed the broker. */
export function isKafkaInstalled(): boolean {
  return existsSync(JAVA_ARGUMENTS);
}

/**
 * Starts a Kafka broker (KRaft, one node) in a temporary directory and resolves when consumer groups have their
 * coordinator. Topics are not created by themselves. It takes about a second and 170 MB: share one in a test file.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  if (!isKafkaInstalled()) throw new Error('Kafka is not installed here: run `node scripts/setup.mjs --servers`');
  const directory = await serverDirectory('kafka');
  const [port, controllerPort, proxiedPort] = [await freePort(), await freePort(), await freePort()];
  const proxy = options.proxy === true ? await startTcpProxy({ target: { port: proxiedPort } }) : undefined;
  try {
    await cp(join(INSTALLED, 'formatted'), join(directory, 'data'), { recursive: true });
    const secure = options.secure === true ? await secureListener(directory) : undefined;
    const properties = {
      ...SETTINGS,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'log.dirs': join(directory, 'data'),
      ...listenerProperties({
        CONTROLLER: { port: controllerPort },
        PLAINTEXT: { port },
        ...(proxy === undefined ? {} : { PROXIED: { port: proxiedPort, advertisedPort: proxy.port } }),
        ...(secure === undefined ? {} : { SASL_SSL: { port: secure.listener.port } }),
      }),
      ...secure?.properties,
      ...options.properties,
    };
    const file = join(directory, 'server.properties');
    await writeFile(
      file,
      Object.entries(properties)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const control = await startServer(directory, {
      name: 'kafka',
      command: 'java',
      arguments: [`@${JAVA_ARGUMENTS}`, ...(options.jvmOptions ?? []), 'kafka.Kafka', file],
      ready: async () => (await coordinatorPort(port)) === port,
    });
    const stopBroker = control.stop.bind(control);
    return Object.assign(control, {
      ...addressOf(port),
      port,
      ...(proxy === undefined ? {} : { proxied: { ...addressOf(proxy.port), proxy } }),
      ...(secure === undefined ? {} : { secure: secure.listener }),
      createTopic: (topic: string, { partitions = 1, settings = {} }: TopicOptions = {}) =>
        createTopic(port, topic, partitions, settings),
      async stop() {
        await proxy?.stop();
        await stopBroker();
      },
    });
  } catch (error) {
    await proxy?.stop();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function addressOf(port: number): { readonly url: string; readonly bootstrap: string } {
  const bootstrap = `127.0.0.1:${port}`;
  return { url: `kafka://${bootstrap}`, bootstrap };
}
