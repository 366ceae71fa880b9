import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runMillrace, serverAvailable, startKafka, startRedis } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

const SOURCES = join(import.meta.dirname, '..', 'src');
const SERVERS = ['redis', 'kafka'] as const;

const printed = (name: string): string | undefined => {
  const [, comment] = readFileSync(join(SOURCES, `${name}.ts`), 'utf8').split('\n// Prints:\n');
  return comment?.replaceAll(/^\/\/ ?/gm, '');
};

const names = readdirSync(SOURCES).map((file) => file.replace(/\.ts$/, ''));
const programs = names.filter((name) => printed(name) !== undefined);

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-example-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function outputOf(name: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd: await newFolder(), env: { ...process.env, NO_COLOR: '1', ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(SOURCES, `${name}.ts`)], options);
  expect(stderr).toBe('');
  return stdout;
}

/** As the comment says, where `...` is anything within a line. */
function expectAsPrinted(name: string, output: string): void {
  const pattern = printed(name)!
    .split('...')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
    .join('.+');
  expect(output).toMatch(new RegExp(`^${pattern}$`));
}

it('has nothing that is not run', () => {
  expect(names.filter((name) => !programs.includes(name)).toSorted()).toEqual(['orders-flow', 'printer']);
});

it.each(programs.filter((name) => !(SERVERS as readonly string[]).includes(name)))('%s', async (name) => {
  expectAsPrinted(name, await outputOf(name));
});

it.skipIf(!serverAvailable('redis'))('redis', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  expectAsPrinted('redis', await outputOf('redis', { REDIS_URL: `redisstream://127.0.0.1:${server.port}` }));
});

it.skipIf(!serverAvailable('kafka'))('kafka', async () => {
  const server = await startKafka();
  onTestFinished(() => server.stop());
  expectAsPrinted('kafka', await outputOf('kafka', { KAFKA_URL: `kafka://127.0.0.1:${server.port}` }));
});

it('orders-flow', async () => {
  const orders = [
    { country: 'PL', total: 100 },
    { country: 'DE', total: 50 },
    { country: 'PL', total: 10 },
  ];
  const folder = await newFolder();
  const [from, to] = [join(folder, 'orders.jsonl'), join(folder, 'polish-orders.jsonl')];
  await writeFile(from, orders.map((order) => `${JSON.stringify(order)}\n`).join(''));
  const source = await readFile(join(SOURCES, 'orders-flow.ts'), 'utf8');
  const flow = join(folder, 'orders-flow.ts');
  await writeFile(
    flow,
    source.replace('file:orders', `file://${folder}/orders`).replace('file:polish', `file://${folder}/polish`),
  );
  const { stdout } = await runMillrace(['flow', 'run', flow]);
  expect(stdout).toBe('3 messages received, 1 published, 1 filtered, 0 to the dead letters\n');
  expect(JSON.parse(await readFile(to, 'utf8'))).toEqual([
    { total: 100, tax: 23 },
    { total: 10, tax: 2.3000000000000003 },
  ]);
});
