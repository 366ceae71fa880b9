import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from './certificates.ts';
import { freePort } from './free-port.ts';
import { createTopic, hasCoordinator } from './kafka-request.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';

/** Where setup leaves the broker: `java.args` with JVM options and class path, `formatted` to copy as data directory. */
const INSTALLED = fileURLToPath(new URL('../../../.cache/kafka/current/', import.meta.url));
const JAVA_ARGUMENTS = join(INSTALLED, 'java.args');
const PLAIN_LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM_LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule';

/** The user that a secure broker knows; setup writes its SCRAM credentials when it formats the data directory. */
const USER = { username: 'millrace', password: 'secret' } as const;

export interface KafkaOptions {
  /** Further lines of server.properties, which win over the fixture's own. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Listen on a second port with TLS and SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512): see `secure` of the server. */
  readonly secure?: boolean;
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
  /** Creates a topic with one replica. @returns false when it exists already */
  createTopic(
    topic: string,
    options?: { readonly partitions?: number; readonly settings?: Readonly<Record<string, string>> },
  ): Promise<boolean>;
}

export interface KafkaSecureListener {
  readonly port: number;
  readonly bootstrap: string;
  /** PEM of the authority to trust. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
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
  const directory = await serverDirectory('kafka');
  await cp(join(INSTALLED, 'formatted'), join(directory, 'data'), { recursive: true });
  const [port, controllerPort] = [await freePort(), await freePort()];
  const secure = options.secure === true ? await secureListener(directory) : undefined;
  const properties = {
    ...settings(port, controllerPort, join(directory, 'data'), secure?.listener.port),
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
    ready: () => hasCoordinator(port),
    readyTimeoutMs: 60_000,
  });
  const bootstrap = `127.0.0.1:${port}`;
  return Object.assign(control, {
    url: `kafka://${bootstrap}`,
    port,
    bootstrap,
    ...(secure === undefined ? {} : { secure: secure.listener }),
    createTopic: (
      topic: string,
      wanted: { readonly partitions?: number; readonly settings?: Readonly<Record<string, string>> } = {},
    ) => createTopic(port, topic, wanted.partitions ?? 1, wanted.settings ?? {}),
  });
}

function settings(port: number, controllerPort: number, data: string, securePort?: number) {
  const secure = securePort === undefined ? '' : `,SASL_SSL://127.0.0.1:${securePort}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${secure}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': data,
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
}

async function secureListener(directory: string) {
  const port = await freePort();
  const certificate = await makeCertificate(directory);
  // One file with the key before its certificate is what Kafka takes as a PEM keystore.
  const keystore = join(directory, 'keystore.pem');
  await writeFile(keystore, (await readFile(certificate.keyFile, 'utf8')) + certificate.ca);
  const name = 'listener.name.sasl_ssl';
  const { username, password } = USER;
  const listener: KafkaSecureListener = {
    port,
    bootstrap: `127.0.0.1:${port}`,
    ca: certificate.ca,
    username,
    password,
  };
  return {
    listener,
    properties: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      [`${name}.ssl.keystore.type`]: 'PEM',
      [`${name}.ssl.keystore.location`]: keystore,
      [`${name}.plain.sasl.jaas.config`]: `${PLAIN_LOGIN} required user_${username}="${password}";`,
      [`${name}.scram-sha-256.sasl.jaas.config`]: `${SCRAM_LOGIN} required;`,
      [`${name}.scram-sha-512.sasl.jaas.config`]: `${SCRAM_LOGIN} required;`,
    },
  };
}
