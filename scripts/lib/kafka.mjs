import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { withProgress } from './command.mjs';
import { archiveClasses, fetchJars, format, JVM_OPTIONS, KAFKA } from './kafka-steps.mjs';

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
