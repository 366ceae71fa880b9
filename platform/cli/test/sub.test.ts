import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { openPublisher } from '@millrace/core';
import { type KafkaServer, runMillrace, serverAvailable, startKafka } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type CliProcess, runCli } from '../src/cli.ts';

const linesOf = (stdout: string): string[] => stdout.split('\n').slice(0, -1);
const screen = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY, columns: 80 });
const isKafkaThere = serverAvailable('kafka');

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

  it('sees everything each time, or what it asks for', async () => {
    const url = await fiveMessages('watched');
    const sub = async (...args: string[]): Promise<string[]> => {
      const { code, stdout, stderr } = await runMillrace(['sub', url, '--timeout', '500ms', ...args]);
      expect([code, stderr]).toEqual([0, '']);
      return linesOf(stdout);
    };
    expect(await sub()).toEqual(['0', '1', '2', '3', '4']);
    expect(await sub()).toEqual(['0', '1', '2', '3', '4']);
    expect(await sub('--from', '3')).toEqual(['3', '4']);
    expect(await sub('--from=-1')).toEqual(['4']);
  });

  it('goes on where its group was, once it names one', async () => {
    const url = await fiveMessages('shared');
    const args = ['sub', url, '--count', '2', '--from', '1', '--option', 'group_id=billing'];
    expect(linesOf((await runMillrace(args)).stdout)).toEqual(['1', '2']);
    expect(linesOf((await runMillrace(args)).stdout)).toEqual(['3', '4']);
  });

  it('says which places there are', async () => {
    const { code, stderr } = await runMillrace(['sub', `${kafka.url}/orders`, '--from', 'yesterday']);
    expect(stderr).toMatch(/^error INVALID_OPTION: from: "yesterday" is not a place to begin: give earliest/);
    expect(code).toBe(2);
  });
});

it('says so where a source has no past', async () => {
  const { code, stderr } = await runMillrace(['sub', 'redischannel://127.0.0.1:1/news', '--from', 'earliest']);
  expect(stderr).toMatch(/^error INVALID_OPTION: --from: redischannel: gives what comes from now on/);
  expect(code).toBe(2);
});

async function subOn(screens: { readonly stdout: boolean; readonly stderr: boolean }): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-sub-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.jsonl');
  await writeFile(file, '1\n2\n3\n');
  const [stdout, stderr] = [screen(screens.stdout), screen(screens.stderr)];
  const printed = Promise.all([text(stdout), text(stderr)]);
  const host = Object.create(process, { stdout: { value: stdout }, stderr: { value: stderr } }) as CliProcess;
  expect(await runCli(['sub', `file:${file}`], host)).toBe(0);
  stdout.end();
  stderr.end();
  return printed;
}

describe('the progress of sub', () => {
  it('is on a screen that does not show the messages', async () => {
    const [stdout, stderr] = await subOn({ stdout: false, stderr: true });
    expect(stdout).toBe('1\n2\n3\n');
    expect(stderr).toMatch(/3 messages, [\d,.]+\/s\n$/);
  });

  it.each([
    [true, true],
    [false, false],
  ])('is nowhere else: screens %s, %s', async (stdout, stderr) => {
    expect(await subOn({ stdout, stderr })).toEqual(['1\n2\n3\n', '']);
  });
});
