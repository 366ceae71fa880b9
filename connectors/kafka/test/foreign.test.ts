import { execFile, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { openPublisher, openSubscriber } from '@millrace/core';
import { serverAvailable } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { newTopic, useKafka } from './fixture.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const COUNT = 500;
const SOURCE = fileURLToPath(new URL('java/ForeignClient.java', import.meta.url));
const JARS = fileURLToPath(new URL('../../../.cache/kafka/current/jars', import.meta.url));

const textOf = (i: number): string => `the same words again and again ${i}`;

/** A runtime alone cannot run a source file. @throws Error instead when the variable CI is `true` */
function hasCompiler(): boolean {
  if (execFileSync('java', ['--list-modules'], { encoding: 'utf8' }).includes('jdk.compiler')) return true;
  const problem = 'this java is a runtime without a compiler: install a JDK (apt-get install default-jdk-headless)';
  if (process.env['CI'] === 'true') throw new Error(problem);
  process.stderr.write(`the tests with Kafka's own client are skipped, ${problem}\n`);
  return false;
}
const isThere = serverAvailable('kafka') && hasCompiler();

async function foreignClient(...args: readonly string[]): Promise<string[][]> {
  const classPath = readdirSync(JARS).map((jar) => join(JARS, jar));
  const command = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', classPath.join(':'), SOURCE, ...args];
  const { stdout } = await promisify(execFile)('java', command, { maxBuffer: 16 * 1024 * 1024 });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

describe.skipIf(!isThere)("Kafka's own client, with every compression", () => {
  const kafka = useKafka();
  const numbers = Array.from({ length: COUNT }, (_, i) => i);

  async function topics(): Promise<{ readonly codec: string; readonly topic: string; readonly url: string }[]> {
    const made = CODECS.map((codec) => ({ codec, topic: newTopic() }));
    for (const { topic } of made) await kafka().createTopic(topic);
    return made.map((each) => ({ ...each, url: `${kafka().url}/${each.topic}` }));
  }

  it('reads what we write', async () => {
    const made = await topics();
    for (const { codec, url } of made) {
      const publisher = await openPublisher(url, { compression: codec });
      await Promise.all(
        numbers.map((i) => publisher.publish({ key: `key ${i}`, value: textOf(i), headers: { codec } })),
      );
      await publisher.close();
    }
    const lines = await foreignClient('consume', kafka().bootstrap, String(COUNT), ...made.map(({ topic }) => topic));
    for (const { codec, topic } of made) {
      expect(lines.filter(([from]) => from === topic)).toEqual(
        numbers.map((i) => [topic, `key ${i}`, `"${textOf(i)}"`, codec]),
      );
    }
  });

  it('is read by us', async () => {
    const made = await topics();
    const wanted = made.map(({ topic, codec }) => `${topic}:${codec}`);
    await foreignClient('produce', kafka().bootstrap, String(COUNT), ...wanted);
    for (const { codec, url } of made) {
      const subscriber = await openSubscriber(url, { from: 'earliest' });
      for (const i of numbers) {
        expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({
          key: `key ${i}`,
          value: textOf(i),
          headers: { codec },
        });
      }
      await subscriber.close();
    }
  });
});
