import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ending, runCommand, tailOf, withProgress } from './command.mjs';
import { installKafka, isKafkaInstalled } from './kafka.mjs';

/**
 * What of a machine decides which servers the tests can start.
 *
 * @typedef {object} Machine
 * @property {string} path the folders of commands
 * @property {readonly string[]} libraryFolders where shared libraries are looked for; none: they are not looked for
 * @property {boolean} isRoot
 * @property {boolean} isCi a missing server is an error, and not the end of its tests only
 */

/**
 * @typedef {object} Need
 * @property {string} name a command, or the file of a library
 * @property {string} aptPackage
 * @property {string} without what is skipped when it is missing
 */

/** @type {readonly Need[]} */
const COMMANDS = [
  { name: 'redis-server', aptPackage: 'redis-server', without: 'the tests with Redis' },
  { name: 'haproxy', aptPackage: 'haproxy', without: 'the tests with HAProxy' },
  { name: 'java', aptPackage: 'default-jre-headless', without: 'the tests with Kafka' },
  // The runtime alone, 44 MB, runs the broker; the compiler is 72 MB more.
  { name: 'javac', aptPackage: 'default-jdk-headless', without: "the tests with Kafka's own client" },
  { name: 'mvn', aptPackage: 'maven', without: 'the tests with Kafka' },
  { name: 'openssl', aptPackage: 'openssl', without: 'the tests with TLS' },
];
/** The Aerospike client loads it, and its package does not bring it. */
const LIBYAML = { name: 'libyaml-0.so.2', aptPackage: 'libyaml-0-2', without: 'the tests with the Aerospike client' };

/** @returns {Machine} */
export function thisMachine() {
  return {
    // Servers of the system live in sbin on Debian, where a user's PATH does not look.
    path: [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter),
    libraryFolders: process.platform === 'linux' ? linuxLibraryFolders() : [],
    isRoot: process.getuid?.() === 0,
    isCi: process.env['CI'] === 'true',
  };
}

/**
 * Whether there is nothing to do for the tests' servers.
 *
 * @param {string} root
 * @param {Machine} [machine]
 */
export function hasServers(root, machine = thisMachine()) {
  const java = findCommand('java', machine);
  return missing(root, machine).length === 0 && java !== undefined && isKafkaInstalled(root, java);
}

/**
 * Makes the servers that the tests start available: from the PATH; by apt where this is root's Debian or Ubuntu; Kafka by
 * Maven. What then is missing is said in one line each, and its tests are skipped.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {Machine} [machine]
 * @throws {Error} on a CI machine, when something is missing
 */
export async function installServers(root, say, machine = thisMachine()) {
  /** @type {string[]} */
  const problems = [];
  const apt = machine.isRoot ? findCommand('apt-get', machine) : undefined;
  const wanted = missing(root, machine);
  if (apt !== undefined && wanted.length > 0) {
    const problem = await installByApt(apt, wanted, say, machine);
    if (problem !== undefined) problems.push(problem);
  }
  for (const { name, aptPackage, without } of missing(root, machine)) {
    problems.push(`no ${name} on this machine, ${without} are skipped (Debian, Ubuntu: apt-get install ${aptPackage})`);
  }
  const java = findCommand('java', machine);
  const mvn = findCommand('mvn', machine);
  if (java !== undefined && mvn !== undefined && !isKafkaInstalled(root, java)) {
    try {
      await installKafka(root, { java, mvn }, say);
    } catch (error) {
      problems.push(`${error instanceof Error ? error.message : String(error)}\nThe tests with Kafka are skipped`);
    }
  }
  if (problems.length > 0 && machine.isCi) throw new Error(['CI=true wants every server.', ...problems].join('\n'));
  for (const problem of problems) say(problem);
}

/**
 * @param {string} root
 * @param {Machine} machine
 * @returns {readonly Need[]}
 */
function missing(root, machine) {
  const java = findCommand('java', machine);
  const commands = COMMANDS.filter(({ name }) => {
    // Maven only fetches Kafka.
    if (name === 'mvn' && java !== undefined && isKafkaInstalled(root, java)) return false;
    return findCommand(name, machine) === undefined;
  });
  const { libraryFolders } = machine;
  const hasLibyaml = libraryFolders.length === 0 || libraryFolders.some((at) => existsSync(join(at, LIBYAML.name)));
  return hasLibyaml ? commands : [...commands, LIBYAML];
}

/**
 * @param {string} apt
 * @param {readonly Need[]} wanted
 * @param {(line: string) => void} say
 * @param {Machine} machine
 * @returns {Promise<string | undefined>} what went wrong
 */
async function installByApt(apt, wanted, say, machine) {
  const packages = wanted.map(({ aptPackage }) => aptPackage);
  const options = {
    env: { ...process.env, PATH: machine.path, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  };
  const run = (/** @type {string[]} */ args) => runCommand(apt, ['-o', 'DPkg::Lock::Timeout=120', ...args], options);
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  say(`installing for the tests, by apt-get: ${packages.join(', ')}`);
  const { result, seconds } = await withProgress('installing', say, async () => {
    const first = await run(install);
    if (first.code === 0) return first;
    // The lists of packages are absent in a fresh container, and elsewhere may name versions that are gone.
    const update = await run(['update']);
    return update.code === 0 ? run(install) : update;
  });
  if (result.code === 0) {
    say(`installed in ${seconds} s`);
    return undefined;
  }
  const lines = [`apt-get failed (${ending(result.code)}). The end of its output:`, ...tailOf(result.output)];
  return [...lines, `What to do: \`apt-get update && apt-get install ${packages.join(' ')}\` by hand`].join('\n');
}

/**
 * @param {string} name
 * @param {Machine} machine
 */
function findCommand(name, { path }) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian has a folder for each architecture in /usr/lib, others have /usr/lib64. */
function linuxLibraryFolders() {
  const folders = ['/lib64', '/usr/lib64', '/usr/lib', '/usr/local/lib'];
  const architectures = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').filter((name) => name.includes('-linux-'))
    : [];
  return [...folders, ...architectures.map((name) => join('/usr/lib', name))].filter((folder) => existsSync(folder));
}
