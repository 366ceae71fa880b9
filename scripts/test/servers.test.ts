import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KAFKA } from '../lib/kafka-steps.mjs';
import { hasServers, installServers, type Machine } from '../lib/servers.mjs';
import { temporaryDirectory } from './temporary-directory.ts';

const ALL = ['redis-server', 'haproxy', 'java', 'javac', 'mvn', 'openssl'];

/** Stands in for Java: formats a directory, and then listens as the broker does, until it is told to end. */
const JAVA = `#!${process.execPath}
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const properties = readFileSync(process.argv.find((word) => word.endsWith('.properties')), 'utf8');
if (process.argv.includes('kafka.tools.StorageTool')) {
  const data = properties.match(/^log.dirs=(.*)$/m)[1];
  mkdirSync(data);
  writeFileSync(data + '/meta.properties', '');
} else {
  require('node:net').createServer().listen(Number(properties.match(/PLAINTEXT:\\/\\/127.0.0.1:(\\d+)/)[1]), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(143));
}
`;

/** Stands in for Maven, and counts its runs. */
const MVN = `#!/bin/sh
echo run >> "$(dirname "$0")/mvn.runs"
for word; do case "$word" in -DoutputDirectory=*) mkdir "\${word#*=}" && touch "\${word#*=}/b.jar" "\${word#*=}/a.jar";; esac; done
`;

/** A machine with these commands only. */
async function machine(commands: Readonly<Record<string, string>>, more: Partial<Machine> = {}) {
  const root = await temporaryDirectory();
  const bin = join(root, 'bin');
  await mkdir(bin);
  for (const [name, script] of Object.entries(commands)) {
    await writeFile(join(bin, name), script);
    await chmod(join(bin, name), 0o755);
  }
  const path = `${bin}:/nowhere`;
  const said: string[] = [];
  const onMachine: Machine = { path, libraryFolders: [], isRoot: false, isCi: false, ...more };
  return {
    root,
    bin,
    said,
    has: () => hasServers(root, onMachine),
    install: () => installServers(root, (line) => said.push(line), onMachine),
  };
}

const harmless = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '#!/bin/sh\n']));
const whole = { ...harmless(ALL), java: JAVA, mvn: MVN };

/** An apt-get that knows its packages after an update only, and writes down how it is called. */
const apt = (afterUpdate: string) => `#!/bin/sh
PATH=/usr/bin:/bin
here="$(dirname "$0")"
echo "$DEBIAN_FRONTEND $*" >> "$here/apt.calls"
case "$*" in
  *update*) touch "$here/updated" ;;
  *install*) [ -e "$here/updated" ] || { echo 'E: Unable to locate package'; exit 100; }; ${afterUpdate} ;;
esac
`;

describe('the servers of the tests', () => {
  it('are said to be missing in one line each, and the set-up goes on', async () => {
    const { install, said } = await machine(harmless(['java', 'openssl']));
    await install();
    expect(said).toEqual([
      'no redis-server on this machine, the tests with Redis are skipped (Debian, Ubuntu: apt-get install redis-server)',
      'no haproxy on this machine, the tests with HAProxy are skipped (Debian, Ubuntu: apt-get install haproxy)',
      "no javac on this machine, the tests with Kafka's own client are skipped (Debian, Ubuntu: apt-get install default-jdk-headless)",
      'no mvn on this machine, the tests with Kafka are skipped (Debian, Ubuntu: apt-get install maven)',
    ]);
  });

  it('must not be missing with CI=true', async () => {
    const { install } = await machine(harmless(ALL.filter((name) => name !== 'haproxy')), { isCi: true });
    await expect(install()).rejects.toThrow(/CI=true wants every server[^]*no haproxy on this machine/);
  });

  it('are installed by apt for root, with an update only after a failure', async () => {
    const { 'redis-server': _, ...others } = whole as Record<string, string>;
    const created = 'printf "#!/bin/sh\\n" > "$here/redis-server" && chmod +x "$here/redis-server"';
    const { bin, has, install, said } = await machine({ ...others, 'apt-get': apt(created) }, { isRoot: true });
    await install();
    const installing = 'noninteractive -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends redis-server';
    expect((await readFile(join(bin, 'apt.calls'), 'utf8')).trim().split('\n')).toEqual([
      installing,
      'noninteractive -o DPkg::Lock::Timeout=120 update',
      installing,
    ]);
    expect(said[0]).toBe('installing for the tests, by apt-get: redis-server');
    expect(has()).toBe(true);
  });

  it('are looked for by apt only as root', async () => {
    const { bin, install } = await machine({ 'apt-get': apt('true') });
    await install();
    await expect(readFile(join(bin, 'apt.calls'))).rejects.toThrow('ENOENT');
  });

  it('are missing with the end of the output of apt when that fails', async () => {
    const failing = apt('echo "E: no space left"; exit 100');
    const { install, said } = await machine({ ...harmless(ALL.slice(1)), 'apt-get': failing }, { isRoot: true });
    await install();
    expect(said.join('\n')).toMatch(
      /apt-get failed \(exit code 100\)[^]*E: no space left[^]*apt-get install redis-server` by hand[^]*no redis-server/,
    );
  });

  it('include the library of the Aerospike client where it is looked for', async () => {
    const empty = await temporaryDirectory();
    const { install, said } = await machine(harmless(ALL), { libraryFolders: [empty] });
    await install();
    expect(said.join('\n')).toContain('apt-get install libyaml-0-2');
  });
});

describe('Kafka for the tests', () => {
  it('is fetched, formatted and started once, and not again', async () => {
    const { root, bin, has, install, said } = await machine(whole);
    expect(has()).toBe(false);
    await install();
    expect(has()).toBe(true);
    await install();
    expect(said).toEqual([
      expect.stringMatching(/^installing Kafka \d/),
      expect.stringMatching(/^Kafka installed in \d+ s$/),
    ]);
    expect(await readFile(join(bin, 'mvn.runs'), 'utf8')).toBe('run\n');
    const args = await readFile(join(root, '.cache/kafka/current/java.args'), 'utf8');
    expect(args).toMatch(/-cp ".*\/jars\/a\.jar:.*\/jars\/b\.jar"/);
    // Once it is there, Maven is not missed.
    await rm(join(bin, 'mvn'));
    expect(has()).toBe(true);
  });

  it('goes on after an interrupted installation without fetching again', async () => {
    const { root, bin, has, install } = await machine(whole);
    await install();
    await rm(join(root, '.cache/kafka/current/java.args'));
    expect(has()).toBe(false);
    await install();
    expect(has()).toBe(true);
    expect(await readFile(join(bin, 'mvn.runs'), 'utf8')).toBe('run\n');
  });

  it('is missing with the end of the output of the step that failed', async () => {
    const { has, install, said } = await machine({ ...whole, mvn: '#!/bin/sh\necho Unknown host\nexit 1\n' });
    await install();
    expect(said.at(-1)).toMatch(
      /^Maven cannot fetch Kafka \(exit code 1\)[^]*Unknown host[^]*tests with Kafka are skipped$/,
    );
    expect(has()).toBe(false);
  });
});

it('tests the version of Kafka that deploy/compose.yaml runs', async () => {
  const compose = await readFile(new URL('../../deploy/compose.yaml', import.meta.url), 'utf8');
  const versions = [...compose.matchAll(/image: apache\/kafka:(\S+)/g)].map(([, version]) => version);
  expect(versions).toEqual([KAFKA, KAFKA]);
});
