import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ending, runCommand, tailOf, withProgress } from './command.mjs';

const KAFKA = '4.3.1';
const SCALA = '2.13';
const LOG4J = '2.24.3';
/** 16 bytes in base64url, as Kafka wants them. */
const CLUSTER_ID = 'TWlsbHJhY2VUZXN0czAwMQ';
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
/** Small and quick to start rather than quick in the long run: a broker for tests lives for seconds. */
const JVM_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];
const TRAINING_TIMEOUT_MS = 60_000;

/**
 * The broker for tests, ready to start as `java @.cache/kafka/current/java.args kafka.Kafka server.properties` with a
 * copy of `.cache/kafka/current/formatted` as its data directory.
 *
 * @param {string} root
 */
function placesIn(root) {
  const home = join(root, '.cache', 'kafka');
  const version = join(home, KAFKA);
  return {
    home,
    version,
    current: join(home, 'current'),
    jars: join(version, 'jars'),
    formatted: join(version, 'formatted'),
    archive: join(version, 'classes.jsa'),
    args: join(version, 'java.args'),
  };
}

/**
 * Whether the broker is ready to start, with this Java and in this folder.
 *
 * @param {string} root
 * @param {string} java the path of the command
 */
export function isKafkaInstalled(root, java) {
  const { args, jars, current } = placesIn(root);
  if (!existsSync(args) || !existsSync(current)) return false;
  return readlinkSync(current) === KAFKA && readFileSync(args, 'utf8') === argumentFile(root, java, jarsIn(jars));
}

/**
 * Fetches the broker's jars by Maven, formats a data directory to copy, and archives the loaded classes, which halves the
 * time of every start. Each step is kept, so an interrupted installation goes on where it was.
 *
 * @param {string} root
 * @param {{ java: string, mvn: string }} commands their paths
 * @param {(line: string) => void} say
 * @throws {Error} with the end of the output of the step that failed
 */
export async function installKafka(root, { java, mvn }, say) {
  const places = placesIn(root);
  mkdirSync(places.version, { recursive: true });
  say(`installing Kafka ${KAFKA} for the tests into .cache/kafka (45 MB)`);
  const { seconds } = await withProgress('installing Kafka', say, async () => {
    if (!existsSync(places.jars)) await fetchJars(places, mvn);
    const jars = jarsIn(places.jars);
    if (!existsSync(places.formatted)) await format(places, java, jars);
    await archiveClasses(places, java, jars);
    writeFileSync(places.args, argumentFile(root, java, jars));
    rmSync(places.current, { force: true });
    symlinkSync(KAFKA, places.current);
  });
  say(`Kafka installed in ${seconds} s`);
}

/** @param {string} directory */
function jarsIn(directory) {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(directory, name))
    .toSorted();
}

/**
 * An archive of classes serves only the Java and the class path that it was made with, so the file names both.
 *
 * @param {string} root
 * @param {string} java
 * @param {readonly string[]} jars
 */
function argumentFile(root, java, jars) {
  return [
    `# written by setup for ${realpathSync(java)}`,
    ...JVM_OPTIONS,
    '-Xshare:auto',
    quote(`-XX:SharedArchiveFile=${placesIn(root).archive}`),
    // Whether the archive can be used is no news for the log of a test.
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    `-cp ${quote(jars.join(':'))}`,
    '',
  ].join('\n');
}

/** @param {string} text */
function quote(text) {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/**
 * @param {ReturnType<typeof placesIn>} places
 * @param {string} mvn
 */
async function fetchJars(places, mvn) {
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
 * @param {ReturnType<typeof placesIn>} places
 * @param {string} java
 * @param {readonly string[]} jars
 */
async function format(places, java, jars) {
  const partial = `${places.formatted}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const properties = writeProperties(places, partial, [1, 2]);
  const credentials = ['SHA-256', 'SHA-512'].flatMap((hash) => [
    '--add-scram',
    `SCRAM-${hash}=[name=millrace,password=secret]`,
  ]);
  const tool = [...JVM_OPTIONS, '-cp', jars.join(':'), 'kafka.tools.StorageTool', 'format', '-c', properties];
  await step('Kafka cannot format a data directory', java, [...tool, '--cluster-id', CLUSTER_ID, ...credentials]);
  renameSync(partial, places.formatted);
}

/**
 * Runs the broker once, so that Java writes down at its end what it loaded.
 *
 * @param {ReturnType<typeof placesIn>} places
 * @param {string} java
 * @param {readonly string[]} jars
 */
async function archiveClasses(places, java, jars) {
  const data = join(places.version, 'training');
  rmSync(data, { recursive: true, force: true });
  cpSync(places.formatted, data, { recursive: true });
  const ports = await Promise.all([freePort(), freePort()]);
  const properties = writeProperties(places, data, ports);
  rmSync(places.archive, { force: true });
  const child = spawn(
    java,
    [...JVM_OPTIONS, `-XX:ArchiveClassesAtExit=${places.archive}`, '-cp', jars.join(':'), 'kafka.Kafka', properties],
    { stdio: 'ignore' },
  );
  const gone = once(child, 'exit');
  const deadline = performance.now() + TRAINING_TIMEOUT_MS;
  while (child.exitCode === null && performance.now() < deadline && !(await isListening(ports[0]))) await sleep(100);
  child.kill('SIGTERM');
  await gone;
  rmSync(data, { recursive: true, force: true });
}

/**
 * @param {ReturnType<typeof placesIn>} places
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
