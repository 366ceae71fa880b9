import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MILLRACE_MAIN, runMillrace } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-messages-'));
  url = `file://${join(folder, 'a.jsonl')}`;
});
afterEach(() => rm(folder, { recursive: true }));

const written = (name = 'a.jsonl'): Promise<string> => readFile(join(folder, name), 'utf8');
const write = (text: string, name = 'a.jsonl'): Promise<void> => writeFile(join(folder, name), text);

/** With text on standard input, or a signal once it has printed something. */
async function run(args: readonly string[], input?: string, signal?: NodeJS.Signals) {
  const child = spawn(process.execPath, [MILLRACE_MAIN, ...args], { stdio: 'pipe', cwd: folder });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      // Once: a second Ctrl-C ends it at once.
      if (signal !== undefined && name === 'stdout' && !child.killed) child.kill(signal);
    });
  }
  if (input !== undefined) child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...output };
}

describe('pub', () => {
  it('publishes lines of standard input', async () => {
    const { code, stdout, stderr } = await run(['pub', url], '{"a":1}\n\n"two"\n3');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^3 messages published, /);
    expect(await written()).toBe('{"a":1}\n"two"\n3\n');
  });

  it('publishes one message so often, with a key and options', async () => {
    const args = ['--message', '{"a":1}', '--key', 'k', '--count', '2', '--option', 'lines=messages'];
    expect((await run(['pub', url, ...args])).code).toBe(0);
    expect(await written()).toBe('{"key":"k","value":{"a":1}}\n'.repeat(2));
  });

  it('takes texts, and messages with keys', async () => {
    await run(['pub', url, '--text', '--count', '1', '--rate', '1000'], 'hello\nworld\n');
    await run(['pub', url, '--keys', '--option', 'lines=messages'], '{"key":"k","value":1}\n');
    expect(await written()).toBe('"hello"\n{"key":"k","value":1}\n');
  });

  it.each([
    [[], 'no json\n', 1, 'line 1 is no JSON: write one value per line, or use --text'],
    [['--keys'], '{"key":1}\n', 1, 'line 1 is not an object with value'],
    [['--message', '{'], '', 1, '--message is no JSON'],
    [['--option', 'secret'], '', 2, '--option is not name=value'],
    [['--option', 'fsink=true'], '', 2, 'fsink'],
  ])('%j with %j ends with %i', async (args, input, code, message) => {
    const result = await run(['pub', url, ...args], input);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });

  it.each([
    ['redsi://127.0.0.1/x', 2, 'error UNKNOWN_SCHEME: no connector for "redsi:" is known; did you mean redis:?'],
    ['memory://queue/a', 2, 'error NOT_SUPPORTED: pub cannot use memory: URLs'],
    ['kafka://user:secret@127.0.0.1/', 2, 'error INVALID_OPTION: kafka://127.0.0.1/ is no URL of a topic'],
  ])('refuses %s', async (target, code, message) => {
    const result = await run(['pub', target, '--message', '1']);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });

  it('does not wait for a moment that is over', async () => {
    const { stderr } = await run(['pub', url, '--rate', '1000000'], '1\n'.repeat(300));
    expect(stderr).toMatch(/^300 messages published, [\d,]+\/s\n$/);
  });

  it('says once, in a line, that its target is away', async () => {
    const child = run(['pub', 'redis://127.0.0.1:1/x', '--key', 'a', '--message', '1', '--option', 'retry_max=3']);
    const { code, stderr } = await child;
    expect(stderr.replaceAll(/\d\d:\d\d:\d\d\.\d{3} /g, '').split('\n')).toEqual([
      expect.stringMatching(/^WARN pub: publisher "redis:.*": trying again: Redis at .* cannot be reached: \S+ ECONN/),
      expect.stringMatching(/^WARN pub: publisher "redis:.*": messages refused: Redis at .* \{"count":1\}$/),
      '0 messages published, 0/s',
      expect.stringMatching(/^1 message not taken: Redis at redis:/),
      '',
    ]);
    expect(code).toBe(1);
  });

  it('names the scheme that it does not know', async () => {
    const { code, stderr } = await runMillrace(['pub', 'sqs://queue', '--message', '1']);
    expect(stderr).toContain('error CONNECTOR_NOT_INSTALLED: no connector for "sqs:" is installed');
    expect(code).toBe(1);
  });
});

describe('sub', () => {
  it('prints values until the end', async () => {
    await write('{"a":1}\n2\n');
    expect(await run(['sub', url])).toEqual({ code: 0, stdout: '{"a":1}\n2\n', stderr: '' });
  });

  it('prints keys and headers, so many, from where it is told, and goes on behind them', async () => {
    await write('{"key":"a","value":1,"headers":{"t":"7"}}\n{"value":2}\n');
    const args = ['sub', url, '--option', 'lines=messages', '--option', 'position=p', '--count', '1'];
    expect((await run([...args, '--headers'])).stdout).toBe('{"key":"a","value":1,"headers":{"t":"7"}}\n');
    expect((await run([...args, '--keys'])).stdout).toBe('{"value":2}\n');
    expect((await run([...args, '--from', 'nowhere'])).stderr).toContain('"nowhere" is not one of start, end');
  });

  it.each([
    ['kafka://127.0.0.1/x?auto_offset_reset=latest', ['--from', 'earliest'], '--from and auto_offset_reset both say'],
    ['kafka://127.0.0.1/x?autoOffsetReset=latest', [], 'auto_offset_reset is for a consumer group'],
    ['kafka://127.0.0.1/x', ['--option', 'auto_offset_reset=latest'], 'say --from instead, or add --option group=NAME'],
    ['kafka:///x', [], 'kafka:///x names no broker: give kafka://localhost:9092/x for a broker on this machine'],
    ['custom://nope.ts', [], 'no package nope.ts is installed; for the file /'],
    ['custom:./nope.ts', [], 'there is no file /'],
  ])('says what to write instead of %s %j', async (from, args, message) => {
    const { code, stdout, stderr } = await run(['sub', from, '--timeout', '1ms', ...args]);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining(message)]);
    expect(code).toBeGreaterThan(0);
  });

  it('fails when fewer come in time than it waits for', async () => {
    await write('1\n');
    // Long enough for the one that there is.
    const args = ['sub', url, '--option', 'follow=true', '--timeout', '3s'];
    const stderr = '1 of 2 messages came; there were no more\n';
    expect(await run([...args, '--count', '2'])).toEqual({ code: 1, stdout: '1\n', stderr });
    expect((await run([...args, '--timeout', '100ms'])).code).toBe(0);
  });

  it('ends with 130 on Ctrl-C, and quietly when its reader has gone', async () => {
    await write('1\n');
    expect(await run(['sub', url, '--option', 'follow=true'], undefined, 'SIGINT')).toMatchObject({ code: 130 });
    await write('"some text"\n'.repeat(200_000));
    const shell = `"${process.execPath}" "${MILLRACE_MAIN}" sub "${url}" | head -1`;
    const child = spawn('sh', ['-c', shell], { stdio: 'pipe' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    await once(child, 'close');
    expect(output).toBe('"some text"\n');
  });
});

describe('flow run', () => {
  it('runs a file to its end', async () => {
    await write('1\n2\n3\n');
    await write('export const odd = (value: number): boolean => value % 2 === 1;\n', 'steps.ts');
    await write(
      'source: file:a.jsonl\nsteps:\n  - filter: ./steps.ts#odd\n  - batch: 2\nsink: file:b.jsonl\n',
      'f.yaml',
    );
    const { code, stdout } = await run(['flow', 'run', 'f.yaml']);
    expect([code, stdout]).toEqual([0, '3 messages received, 1 published, 1 filtered, 0 to the dead letters\n']);
    expect(await written('b.jsonl')).toBe('[1,3]\n');
  });

  it('says in one line why a message goes to the dead letters', async () => {
    await write('{"a":1}\n');
    await write('export const length = (value: string): number => value.items.length;\n', 'steps.ts');
    await write('source: file:a.jsonl\nsteps: [{ map: ./steps.ts#length }]\nsink: file:b.jsonl\n', 'f.yaml');
    const { code, stderr } = await run(['flow', 'run', 'f.yaml']);
    expect(code).toBe(0);
    expect(stderr.split('\n').filter((line) => line.includes('dead letters') || line.includes(' at '))).toEqual([
      expect.stringMatching(
        /WARN flow run: steps\[0\] map: a message goes to the dead letters: Cannot read .* \{"flow":"\w+","code":"INTERNAL"\}$/,
      ),
    ]);
  });

  it('names file, line and what is accepted', async () => {
    await write('source: file:a.jsonl\nsink: file:b.jsonl\nsteps:\n  - bath: 2\n', 'f.yaml');
    const { code, stderr } = await run(['flow', 'run', 'f.yaml']);
    expect(stderr).toContain('f.yaml:4:11: steps[0].bath is unknown (did you mean batch?): write one of map,');
    expect(code).toBe(2);
  });

  it('drains on Ctrl-C, and ends by itself with --once', async () => {
    await write('1\n2\n3\n');
    const source = '{ url: "file:a.jsonl", follow: true }';
    await write(
      'export const say = (value: number): number => (process.stdout.write("said\\n"), value);\n',
      'steps.ts',
    );
    await write(`source: ${source}\nsteps: [{ map: ./steps.ts#say }, { batch: 10 }]\nsink: file:b.jsonl\n`, 'f.yaml');
    const { code, stdout } = await run(['flow', 'run', 'f.yaml'], undefined, 'SIGINT');
    expect(code).toBe(0);
    const said = stdout.split('said\n').length - 1;
    expect(await written('b.jsonl')).toBe(`${JSON.stringify([1, 2, 3].slice(0, said))}\n`);
    const json = await run(['flow', 'run', 'f.yaml', '--once', '--json']);
    const last = JSON.parse(json.stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
    expect(last).toMatchObject({ received: 3, published: 1, in_flight: 0 });
  });

  it('loses nothing when it is killed, and goes on', async () => {
    const values = Array.from({ length: 60_000 }, (_, index) => index);
    await write(values.map((value) => `${value}\n`).join(''));
    // The first run cannot come to its end before it is killed.
    await write(
      `import { existsSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      export async function pass(value: number): Promise<number> {
        while (value === 30_000 && existsSync('hold')) await sleep(1000);
        return value;
      }`,
      'steps.ts',
    );
    await write('', 'hold');
    const source = '{ url: "file:a.jsonl", position: position.json }';
    await write(`source: ${source}\nsteps: [{ map: ./steps.ts#pass }]\nsink: file:b.jsonl\n`, 'f.yaml');
    const child = spawn(process.execPath, [MILLRACE_MAIN, 'flow', 'run', 'f.yaml'], { stdio: 'ignore', cwd: folder });
    const closed = once(child, 'close');
    await expect.poll(() => written('b.jsonl').catch(() => ''), { interval: 5 }).not.toBe('');
    child.kill('SIGKILL');
    const [code] = (await closed) as [number | null];
    expect(code).toBeNull();
    await rm(join(folder, 'hold'));
    expect((await run(['flow', 'run', 'f.yaml'])).code).toBe(0);
    const lines = (await written('b.jsonl')).trimEnd().split('\n').map(Number);
    const first = [...new Set(lines)];
    expect(first.filter((value) => values[value] === value)).toHaveLength(values.length);
    // What was under way at the kill comes again, and no more.
    expect(lines.length - values.length).toBeLessThanOrEqual(1001);
  });
});
