import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openEventLog } from '@millrace/core';
import { freePort, runMillrace, serverAvailable, startHaproxy, startKafka, type Haproxy } from '@millrace/testkit';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
const file = (path: string): Promise<string> => readFile(pathOf(path), 'utf8');
/** Of Kafka's protocol: set for this topic, and not by the broker. */
const DYNAMIC_TOPIC_CONFIG = 1;
const UNITS = ['millrace.service', 'millrace-frontend@.service', 'millrace-processor@.service'];
const hasSystemd = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((path) => existsSync(join(path, 'systemd-analyze')));

/** Stands for a frontend: what matters here is only how often a request reaches one. */
class Backend {
  readonly bodies: string[] = [];
  isReady = true;
  answer = (response: ServerResponse): void => void response.writeHead(204).end();
  private readonly server: Server = createServer((request, response) => {
    if (request.url === '/ready' || request.url === '/health') {
      response.writeHead(this.isReady || request.url === '/health' ? 200 : 503).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.bodies.push(Buffer.concat(chunks).toString());
      this.answer(response);
    });
  });

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

describe.skipIf(!serverAvailable('haproxy'))('haproxy.cfg', () => {
  let backends: [Backend, Backend];
  let haproxy: Haproxy;
  let stats: string;

  beforeEach(async () => {
    backends = [new Backend(), new Backend()];
    const [first, second] = await Promise.all(backends.map((backend) => backend.listen()));
    const statsAddress = `127.0.0.1:${await freePort()}`;
    stats = `http://${statsAddress}`;
    haproxy = await startHaproxy({
      config: await file('haproxy.cfg'),
      env: {
        BIND: '127.0.0.1',
        STATS: statsAddress,
        FRONTEND_1: `127.0.0.1:${first}`,
        FRONTEND_2: `127.0.0.1:${second}`,
      },
    });
  });

  afterEach(async () => {
    await haproxy.stop();
    for (const backend of backends) backend.close();
  });

  /** The status, or 0 for a connection that was closed without an answer. */
  async function post(body: string): Promise<number> {
    const sent = fetch(new URL('/user_tags', haproxy.url), { method: 'POST', body, headers: { connection: 'close' } });
    return sent.then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** Every request is answered, and both get some: in the end, since one that answers a check late is left out for a while. */
  async function expectBothTake(body: string): Promise<void> {
    await expect
      .poll(async () => {
        expect(await post(body)).toBe(204);
        return backends.map(({ bodies }) => bodies.includes(body));
      })
      .toEqual([true, true]);
  }

  async function showsNoneReady(): Promise<boolean> {
    const csv = await (await fetch(`${stats}/;csv`)).text();
    return csv.split('\n').some((line) => line.startsWith('frontends,BACKEND') && line.includes(',DOWN,'));
  }

  it('is read without a warning', async () => {
    const env = { ...process.env, BIND: '127.0.0.1', PORT: '8080', STATS: '127.0.0.1:8404' };
    const frontends = { FRONTEND_1: '127.0.0.1:8081', FRONTEND_2: '127.0.0.1:8082' };
    const { stdout, stderr } = await promisify(execFile)('haproxy', ['-c', '-f', pathOf('haproxy.cfg')], {
      env: { ...env, ...frontends },
    });
    expect(`${stdout}${stderr}`.trim()).toBe('Configuration file is valid');
  });

  it('spreads tags over the frontends, and leaves out one that is not ready', async () => {
    await expectBothTake('spread');
    const [first, second] = backends;
    first.isReady = false;
    // Until the checks have noticed, requests still reach it: that is what `/ready` falls early for.
    await expect
      .poll(async () => {
        const before = [first.bodies.length, second.bodies.length] as const;
        for (let i = 0; i < 10; i++) await post('probe');
        return [first.bodies.length - before[0], second.bodies.length - before[1]];
      })
      .toEqual([0, 10]);
  });

  it('sends requests to all that run when none is ready: the log or the state is away, and the other is not', async () => {
    for (const backend of backends) backend.isReady = false;
    await expect.poll(showsNoneReady).toBe(true);
    await expectBothTake('shared');
  });

  it('sends a request to the other frontend when the connection to the first cannot be made', async () => {
    backends[0].close();
    for (let i = 0; i < 20; i++) expect(await post(`tag ${i}`)).toBe(204);
    expect(backends[1].bodies.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `tag ${i}`).toSorted());
  });

  it('never sends a tag again that a frontend may have taken', async () => {
    for (const backend of backends) backend.answer = (response) => void response.socket?.destroy();
    for (let i = 0; i < 20; i++) expect(await post(`tag ${i}`)).toBeOneOf([0, 502]);
    const all = backends.flatMap(({ bodies }) => bodies);
    expect(all.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `tag ${i}`).toSorted());
  });
});

describe('commands in deploy/', () => {
  it.each(['frontend', 'processor'])('give %s flags that it has', async (role) => {
    const compose = await file('compose.yaml');
    const lines = [...compose.matchAll(new RegExp(String.raw`command: \[${role}, (.*)\]`, 'g'))];
    expect(lines.length).toBeGreaterThan(0);
    const { stdout } = await runMillrace([role, '--help']);
    for (const [, flags = ''] of lines) {
      for (const [flag] of flags.matchAll(/--[\w-]+/g)) expect(stdout).toContain(`${flag} <`);
    }
  });

  it('set variables that the commands know', async () => {
    const helps = await Promise.all(['up', 'frontend', 'processor'].map((command) => runMillrace([command, '--help'])));
    const known = helps.map(({ stdout }) => stdout).join('');
    const texts = await Promise.all(UNITS.map((unit) => file(`systemd/${unit}`)));
    const unit = texts
      .flatMap((text) => [...text.matchAll(/^Environment=(.*)$/gm)].map(([, names]) => names))
      .join(' ');
    const files = await Promise.all(['systemd/millrace.env', 'systemd/parts.env'].map(file));
    const env = files.join('').replaceAll(/^#.*$/gm, '');
    const names = [...`${unit} ${env}`.matchAll(/\b([A-Z][A-Z_]+)=/g)].map(([, name]) => name!);
    expect(names).toContain('MILLRACE_LOG');
    for (const name of names.filter((each) => !['NODE_ENV', 'PATH'].includes(each))) expect(known).toContain(name);
  });

  it.skipIf(!hasSystemd)('are units that systemd finds nothing wrong with', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-units-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
    const copies = UNITS.map(async (unit) => {
      const text = await file(`systemd/${unit}`);
      await writeFile(join(folder, unit), text.replaceAll('/opt/millrace', root));
      return join(folder, unit);
    });
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', ...(await Promise.all(copies))]);
    expect(`${stdout}${stderr}`).toBe('');
  });
});

it.skipIf(!serverAvailable('kafka'))('create-topic.sh gives a topic what a frontend gives it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-topic-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tool = join(folder, 'kafka-topics.sh');
  await writeFile(tool, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const env = { ...process.env, KAFKA_TOPICS: tool };
  const { stdout } = await promisify(execFile)('sh', [pathOf('create-topic.sh')], { env });
  const script = new Map([...stdout.matchAll(/^--config\n(.*)=(.*)$/gm)].map(([, name = '', value]) => [name, value]));

  const kafka = await startKafka();
  onTestFinished(() => kafka.stop());
  const [logMaxBytes, logRetentionMs] = [20e9, 86_400_000]; // the defaults of --log-max-bytes and --log-retention
  const log = await openEventLog(`${kafka.url}/tags`, { maxBytes: logMaxBytes, retentionMs: logRetentionMs });
  await log.close();
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka.bootstrap] });
  onTestFinished(() => admin.close());
  const [topic] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: 'tags' }],
  });
  const own = topic!.configs.filter(({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG);
  script.delete('min.insync.replicas');
  expect(Object.fromEntries(own.map(({ name, value }) => [name, value]))).toEqual(Object.fromEntries(script));
});
