import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ending, runCommand, tailOf } from './command.mjs';

export const KAFKA = '4.3.1';
const SCALA = '2.13';
const LOG4J = '2.24.3';
/** 16 bytes in base64url, as Kafka wants them. */
const CLUSTER_ID = 'TWlsbHJhY2VUZXN0czAwMQ';
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
/** Small and quick to start rather than quick in the long run: a broker for tests lives for seconds. */
export const JVM_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];
const TRAINING_TIMEOUT_MS = 60_000;

/**
 * Where a version of Kafka is kept.
 *
 * @typedef {object} Places
 * @property {string} version the folder of all
 * @property {string} jars
 * @property {string} formatted a data directory to copy
 * @property {string} archive of loaded classes
 */

/**
 * @param {Places} places
 * @param {string} mvn
 */
export async function fetchJars(places, mvn) {
  const pom = join(places.version, 'pom.xml');
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_${SCALA}</artifactId>
      <version>${KAFKA}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${LOG4J}</version>
    </dependency>
  </dependencies>
</project>
`,
  );
  const partial = `${places.jars}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const args = ['-B', '-q', '-f', pom, COPY_DEPENDENCIES, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  await step('Maven cannot fetch Kafka', mvn, args);
  renameSync(partial, places.jars);
}

/**
 * @param {Places} places
 * @param {string} java
 * @param {readonly string[]} jars
 */
export async function format(places, java, jars) {
  const partial = `${places.formatted}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const properties = writeProperties(places, partial, [1, 2]);
  const credentials = ['SHA-256', 'SHA-512'].flatMap((hash) => [
    '--add-scram',
    `SCRAM-${hash}=[name=millrace,password=secret]`,
  ]);
  const tool = [...JVM_OPTIONS, '-cp', jars.join(':'), 'kafka.tools.StorageTool', 'format', '-c', properties];
  await step('Kafka, which needs Java 17 or later, cannot format a data directory', java, [
    ...tool,
    '--cluster-id',
    CLUSTER_ID,
    ...credentials,
  ]);
  renameSync(partial, places.formatted);
}

/**
 * Runs the broker once, so that Java writes down at its end what it loaded.
 *
 * @param {Places} places
 * @param {string} java
 * @param {readonly string[]} jars
 */
export async function archiveClasses(places, java, jars) {
  const data = join(places.version, 'training');
  rmSync(data, { recursive: true, force: true });
  cpSync(places.formatted, data, { recursive: true });
  const ports = await Promise.all([freePort(), freePort()]);
  const properties = writeProperties(places, data, ports);
  rmSync(places.archive, { force: true });
  const child = spawn(
    java,
    [...JVM_OPTIONS, `-XX:ArchiveClassesAtExit=${places.archive}`, '-cp', jars.join(':'), 'kafka.Kafka', properties],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const gone = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const deadline = performance.now() + TRAINING_TIMEOUT_MS;
  while (child.exitCode === null && performance.now() < deadline && !(await isListening(ports[0]))) await sleep(100);
  const hasStarted = child.exitCode === null && (await isListening(ports[0]));
  child.kill('SIGTERM');
  await gone;
  if (!hasStarted) throw new Error(['Kafka does not start. The end of its output:', ...tailOf(output)].join('\n'));
  rmSync(data, { recursive: true, force: true });
}

/**
 * @param {Places} places
 * @param {string} data
 * @param {readonly number[]} ports
 */
function writeProperties(places, data, [port, controllerPort]) {
  const path = join(places.version, 'setup.properties');
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names=CONTROLLER',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `log.dirs=${data}`,
  ];
  writeFileSync(path, lines.join('\n'));
  return path;
}

/**
 * @param {string} failure
 * @param {string} command
 * @param {readonly string[]} args
 */
async function step(failure, command, args) {
  const { code, output } = await runCommand(command, args);
  if (code === 0) return;
  throw new Error([`${failure} (${ending(code)}). The end of its output:`, ...tailOf(output)].join('\n'));
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** @param {number} port */
function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
