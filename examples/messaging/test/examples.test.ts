import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MILLRACE_MAIN, redisCommand, serverAvailable, startKafka, startRedis } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const SOURCES = join(import.meta.dirname, '..', 'src');

const files = readdirSync(SOURCES);
const sourceOf = (name: string): string => readFileSync(join(SOURCES, `${name}.ts`), 'utf8');
const programs = files
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => files.includes(`${name}.ts`) && sourceOf(name).includes('\n// Prints:\n'));
const forServer = (variable: string): string[] => programs.filter((name) => sourceOf(name).includes(variable));
const alone = programs.filter((name) => !/REDIS_SERVER|KAFKA_SERVER/.test(sourceOf(name)));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-example-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function run(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd, env: { ...process.env, NO_COLOR: '1', ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  expect(stderr).toBe('');
  return stdout;
}

/** Its output is as the comment at its end says, where `...` is anything within a line. */
async function expectAsPrinted(name: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const [, comment = ''] = sourceOf(name).split('\n// Prints:\n');
  const pattern = comment
    .replaceAll(/^\/\/ ?/gm, '')
    .split('...')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
    .join('.+');
  expect(await run([join(SOURCES, `${name}.ts`)], await newFolder(), env)).toMatch(new RegExp(`^${pattern}$`));
}

/** Copies the files of a flow beside its input, and runs it there. */
async function runFlow(folder: string, flow: string, ...modules: readonly string[]): Promise<string> {
  await Promise.all([flow, ...modules].map((file) => copyFile(join(SOURCES, file), join(folder, file))));
  return run([MILLRACE_MAIN, 'flow', 'run', flow], folder);
}

const linesOf = async (file: string): Promise<unknown[]> =>
  (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const asLines = (values: readonly object[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');

it('has nothing that is not run', () => {
  expect(files.filter((file) => !programs.includes(file.replace(/\.ts$/, ''))).toSorted()).toEqual([
    'countdown.ts', // by custom-source
    'orders-flow.ts',
    'printer.ts', // by custom-delegate
    'sensor-steps.ts', // by sensors-flow
    'sensors-flow.yaml',
  ]);
});

it('is listed file by file in examples/README.md', () => {
  const index = readFileSync(join(SOURCES, '..', '..', 'README.md'), 'utf8');
  const listed = [...index.matchAll(/\]\(messaging\/src\/([\w.-]+)\)/g)].map(([, file = '']) => file);
  expect(listed.toSorted()).toEqual(files.toSorted());
});

it.each(alone)('%s', async (name) => {
  await expectAsPrinted(name);
});

describe.skipIf(!serverAvailable('redis'))('on Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => void (server = await startRedis()));
  afterAll(() => server.stop());

  it.each(forServer('REDIS_SERVER'))('%s', async (name) => {
    await expectAsPrinted(name, { REDIS_SERVER: `127.0.0.1:${server.port}` });
  });

  it('redis-expiry leaves the expiry of the message, else that of the publisher', async () => {
    await expectAsPrinted('redis-expiry', { REDIS_SERVER: `127.0.0.1:${server.port}` });
    expect(await redisCommand(server, 'TTL', 'cache:session:abc123')).toBeGreaterThan(500);
    const ofPublisher = await redisCommand(server, 'TTL', 'cache:page:home');
    expect(ofPublisher).toBeGreaterThan(200);
    expect(ofPublisher).toBeLessThanOrEqual(300);
  });
});

describe.skipIf(!serverAvailable('kafka'))('on Kafka', () => {
  let server: Awaited<ReturnType<typeof startKafka>>;
  beforeAll(async () => void (server = await startKafka()));
  afterAll(() => server.stop());

  it.each(forServer('KAFKA_SERVER'))('%s', async (name) => {
    await expectAsPrinted(name, { KAFKA_SERVER: `127.0.0.1:${server.port}` });
  });
});

describe('flows', () => {
  it('orders-flow', async () => {
    const folder = await newFolder();
    const orders = [
      { country: 'PL', total: 100 },
      { country: 'DE', total: 50 },
      { country: 'PL', total: 10 },
    ];
    await writeFile(join(folder, 'orders.jsonl'), asLines(orders));
    expect(await runFlow(folder, 'orders-flow.ts')).toBe(
      '3 messages received, 1 published, 1 filtered, 0 to the dead letters\n',
    );
    expect(await linesOf(join(folder, 'polish-orders.jsonl'))).toEqual([
      [
        { total: 100, tax: 23 },
        { total: 10, tax: 2.3000000000000003 },
      ],
    ]);
  });

  it('sensors-flow', async () => {
    const folder = await newFolder();
    const readings = [
      { sensor: 'kitchen/1', t: 21.5 },
      { sensor: 'cellar/1', t: 12 },
      { sensor: 'attic/1', t: 30 },
      { sensor: 'kitchen/2', t: 900 },
    ];
    await writeFile(join(folder, 'readings.jsonl'), asLines([{ readings }]));
    expect(await runFlow(folder, 'sensors-flow.yaml', 'sensor-steps.ts')).toBe(
      '1 message received, 3 published, 1 filtered, 0 to the dead letters\n',
    );
    expect(await linesOf(join(folder, 'kitchen.jsonl'))).toEqual([{ sensor: 'kitchen/1', temperature: 21.5 }]);
    expect(await linesOf(join(folder, 'cellar.jsonl'))).toEqual([
      { key: 'cellar/1', value: { sensor: 'cellar/1', temperature: 12 } },
    ]);
    expect(await linesOf(join(folder, 'unrouted_messages_sensors-flow.jsonl'))).toEqual([
      expect.objectContaining({ routing_key: 'attic', data: { sensor: 'attic/1', temperature: 30 } }),
    ]);
  });
});
