import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MILLRACE_MAIN, runMillrace } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('a command line that is wrong', () => {
  it.each([
    [['uq'], "unknown command 'uq': did you mean up?"],
    [['dead-letters', 'lst'], 'did you mean list?'],
    [['up', '--prot', '1'], 'did you mean --port?'],
    [['up', '--port', '99999'], '--port: "99999" is not an integer from 0 to 65535'],
    [['profile'], "missing required argument 'cookie'"],
    [['load', '--late', '120%', '--url', 'http://127.0.0.1:9'], '--late: "120%" is not a share from 0 to 1'],
    [
      ['load', '--url', 'https://127.0.0.1:9'],
      'load speaks plain HTTP only, and https://127.0.0.1:9 is not an http:// address',
    ],
    [['profile', 'a', '--url', 'localhost:80'], '--url: "localhost:80" is not an address'],
    [['config', 'uq'], 'uq has no options to show'],
  ])('%j ends with 2 and says how to do it', async (args, message) => {
    const { code, stdout, stderr } = await runMillrace(args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error [A-Z_]+: /);
    expect(stderr).not.toContain('    at ');
    expect([code, stdout]).toEqual([2, '']);
  });

  it('suggests no command for an argument too many', async () => {
    const { code, stderr } = await runMillrace(['profile', 'alice', 'bob']);
    expect(stderr).toContain("too many arguments for 'profile'");
    expect(stderr).not.toContain('did you mean');
    expect(code).toBe(2);
  });

  it('shows where with --debug', async () => {
    const { stderr } = await runMillrace(['profile', 'a', '--from', 'noon', '--url', 'http://127.0.0.1:9', '--debug']);
    expect(stderr).toMatch(/ {4}at .*time-options\.ts/);
  });
});

it('answers --version as the command version', async () => {
  const asFlag = await runMillrace(['--version']);
  expect(asFlag).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^millrace \d+\.\d+\.\d+ \(Node\.js /),
  });
  expect(asFlag.stdout).toBe((await runMillrace(['version'])).stdout);
});

it('says how to start a platform when none is running', async () => {
  const { code, stderr } = await runMillrace(['status', '--data', directory]);
  expect(stderr).toBe(
    `error NOT_RUNNING: no platform is running on the data directory ${directory}. ` +
      `Start one with \`npx millrace up --data ${directory}\`, or give the --url of another\n`,
  );
  expect(code).toBe(1);
});

it('says what nobody answered at', async () => {
  const { code, stderr } = await runMillrace(['profile', 'a', '--url', 'http://127.0.0.1:9']);
  expect(stderr).toContain('error NOT_RUNNING: nobody answers at http://127.0.0.1:9: ');
  expect(code).toBe(1);
});

describe('config', () => {
  it('shows values, where they come from, and no secret', async () => {
    const config = join(directory, 'millrace.toml');
    await writeFile(config, '[up]\nretention = "7d"\nport = 1\n');
    const env = { FRONTEND_PORT: '9000', MILLRACE_ADMIN_TOKEN: 'correct-horse-battery' };
    const { code, stdout } = await runMillrace(['config', '--json', '--config', config], { env });
    expect(code).toBe(0);
    expect(stdout).not.toContain('correct-horse');
    const { options } = JSON.parse(stdout) as { options: { key: string }[] };
    const of = (key: string) => options.find((option) => option.key === key);
    expect(of('port')).toEqual({ key: 'port', value: '9000', source: 'environment' });
    expect(of('retention')).toEqual({ key: 'retention', value: '7d', source: 'file' });
    expect(of('host')).toEqual({ key: 'host', value: '127.0.0.1', source: 'default' });
    expect(of('admin-token')).toEqual({ key: 'admin-token', value: '***', source: 'environment' });
  });

  it('shows where log and state are without their secrets', async () => {
    const env = {
      MILLRACE_LOG: 'kafka://user:hunter2@k:9092/tags?tls=true',
      MILLRACE_STATE: 'redis://r?password=hunter2',
    };
    const { stdout } = await runMillrace(['config', 'processor'], { env });
    expect(stdout).toContain('kafka://***@k:9092/tags?tls=true');
    expect(stdout).toContain('redis://r?password=***');
    expect(stdout).not.toContain('hunter2');
  });

  it('refuses a file with an unknown key', async () => {
    const config = join(directory, 'wrong.toml');
    await writeFile(config, '[up]\nprot = 1\n');
    const { code, stderr } = await runMillrace(['config', '--config', config]);
    expect(stderr).toContain('did you mean port?');
    expect(code).toBe(2);
  });
});

it('stops at a variable of the original platform that has no valid value', async () => {
  const env = { AEROSPIKE_PORT: 'three' };
  const { code, stderr } = await runMillrace(['up', '--port', '0', '--data', join(directory, 'data')], { env });
  expect(stderr).toContain('environment variable AEROSPIKE_PORT: "three" is not an integer');
  expect(code).toBe(2);
});

it.each([
  [[], ['up', 'load', 'dead-letters', 'version']],
  [['dead-letters'], ['list', 'show', 'retry']],
])('%j without a command shows the help, and ends as called wrongly', async (args, names) => {
  const { code, stdout, stderr } = await runMillrace(args);
  for (const name of names) expect(stderr).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(stderr).not.toContain('error');
  expect([code, stdout]).toEqual([2, '']);
});

it.each([[['help', 'up']], [['--help']], [['config']]])('%j ends quietly when nobody reads it', async (args) => {
  const child = spawn(process.execPath, [MILLRACE_MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, stderr]).toEqual([141, '']);
});

it('shows the commands in its help', async () => {
  const { code, stdout } = await runMillrace(['--help']);
  for (const name of ['up', 'load', 'replay', 'profile', 'aggregates', 'dead-letters', 'config', 'version']) {
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  }
  expect(code).toBe(0);
});
