import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { openPublisher } from '@millrace/core';
import { type KafkaServer, serverAvailable, startKafka } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CliProcess, runCli } from '../src/cli.ts';

const isKafkaThere = serverAvailable('kafka');
const screen = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY, columns: 80 });

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process, which is much quicker than to start one. */
async function sub(args: readonly string[], screens = { stdout: false, stderr: false }): Promise<Output> {
  const [stdout, stderr] = [screen(screens.stdout), screen(screens.stderr)];
  const printed = Promise.all([text(stdout), text(stderr)]);
  const host = Object.create(process, { stdout: { value: stdout }, stderr: { value: stderr } }) as CliProcess;
  const code = await runCli(['sub', ...args], host);
  stdout.end();
  stderr.end();
  const [out, errors] = await printed;
  return { code, stdout: out, stderr: errors };
}

describe.skipIf(!isKafkaThere)('sub from Kafka', () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka?.stop());

  /** A topic with the values 0 to 4. */
  async function fiveMessages(topic: string): Promise<string> {
    const url = `${kafka.url}/${topic}`;
    await kafka.createTopic(topic);
    const publisher = await openPublisher(url);
    for (let value = 0; value < 5; value++) await publisher.publish({ value });
    await publisher.close();
    return url;
  }

  it.each([
    [[], [0, 1, 2, 3, 4]],
    [
      ['--from', '3'],
      [3, 4],
    ],
    [['--from=-1'], [4]],
    [['--from', 'latest'], []],
  ])('sees what it asks for each time: %j', async (args, values) => {
    const url = await fiveMessages(`watched${args.join('')}`.replaceAll(/[^a-z0-9]/g, '_'));
    const whole = { code: 0, stdout: values.map((value) => `${value}\n`).join(''), stderr: '' };
    // The last of the values is the topic's last. Only where none comes a time has to end it, which a connection fits in.
    const end = values.length === 0 ? ['--timeout', '5s'] : ['--count', String(values.length)];
    expect(await sub([url, ...end, ...args])).toEqual(whole);
    expect(await sub([url, ...end, ...args])).toEqual(whole);
  });

  it.each(['group', 'group_id'])('goes on where its group was, once it names one as %s', async (option) => {
    const url = await fiveMessages(`shared_by_${option}`);
    const args = [url, '--count', '2', '--from', '1', '--option', `${option}=billing`];
    expect((await sub(args)).stdout).toBe('1\n2\n');
    expect((await sub(args)).stdout).toBe('3\n4\n');
  });

  it('makes no topic by looking at it', async () => {
    const url = `${kafka.url}/absent`;
    const { code, stdout, stderr } = await sub([url, '--count', '1']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error NOT_FOUND: there is no topic absent at kafka:\/\/[\d.:]+\/absent: create it first/);
    const made = sub([`${url}?create_topic=true`, '--count', '1']);
    const publishing = async (): Promise<number> => {
      const publisher = await openPublisher(`${url}?create_topic=false`);
      await publisher.publish({ value: 7 });
      await publisher.close();
      return publisher.details().publish_count;
    };
    await expect.poll(publishing).toBe(1);
    expect(await made).toEqual({ code: 0, stdout: '7\n', stderr: '' });
  });

  it('lets the URL say where to begin', async () => {
    const url = await fiveMessages('from_of_url');
    expect((await sub([`${url}?from=3`, '--count', '2'])).stdout).toBe('3\n4\n');
  });

  it('says which places there are', async () => {
    const { code, stderr } = await sub([`${kafka.url}/orders`, '--from', 'yesterday']);
    expect(stderr).toMatch(/^error INVALID_OPTION: from: "yesterday" is not a place to begin: give earliest/);
    expect(code).toBe(2);
  });
});

it('says so where a source has no past', async () => {
  const { code, stderr } = await sub(['redischannel://127.0.0.1:1/news', '--from', 'earliest']);
  expect(stderr).toMatch(/^error INVALID_OPTION: --from: redischannel: gives what comes from now on/);
  expect(code).toBe(2);
});

it('fails when it never had a connection, and says so in one line', async () => {
  const { code, stdout, stderr } = await sub(['redischannel://127.0.0.1:1/x', '--timeout', '3s']);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME').split('\n')).toEqual([
    'TIME WARN sub: subscriber "redischannel://127.0.0.1:1/x": trying again: Redis at redischannel://127.0.0.1:1/x cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
    'error UNAVAILABLE: there is no connection: Redis at redischannel://127.0.0.1:1/x cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
    '',
  ]);
});

it.each(['memory://queue/a', 'mem://topic/a'])('refuses %s, where nothing can come', async (url) => {
  const { code, stderr } = await sub([url]);
  expect(stderr).toMatch(/^error NOT_SUPPORTED: sub cannot use memory: URLs: /);
  expect(code).toBe(2);
});

async function threeLines(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-sub-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.jsonl');
  await writeFile(file, '1\n2\n3\n');
  return `file:${file}`;
}

describe('the progress of sub', () => {
  it('is on a screen that does not show the messages', async () => {
    const { stdout, stderr } = await sub([await threeLines()], { stdout: false, stderr: true });
    expect(stdout).toBe('1\n2\n3\n');
    expect(stderr).toMatch(/3 messages, [\d,.]+\/s\n$/);
  });

  it.each([
    [true, true],
    [false, false],
  ])('is nowhere else: screens %s, %s', async (stdout, stderr) => {
    expect(await sub([await threeLines()], { stdout, stderr })).toEqual({ code: 0, stdout: '1\n2\n3\n', stderr: '' });
  });
});
