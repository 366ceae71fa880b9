import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MillraceProcess } from '@millrace/testkit';
import { MILLRACE_MAIN, platformFigures, runMillrace, startMillrace } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TagGenerator, TagWriter } from '../src/load/generator.ts';
import type { LoadReport } from '../src/load/run.ts';
import type { ReplayReport } from '../src/replay/run.ts';
import { collect } from './support/collect.ts';

let directory: string;
let data: string;
let platform: MillraceProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-platform-'));
  data = join(directory, 'data');
  platform = await startMillrace({ dataDirectory: data, env: { KAFKA_TOPIC: 'tags', FRONTEND_PROT: '1' } });
});
afterAll(async () => {
  await platform?.stop();
  await rm(directory, { recursive: true });
});

const millrace = (...args: string[]) => runMillrace([...args, '--data', data]);

const shell = (command: string) => promisify(execFile)('sh', ['-c', command]);

interface Status {
  readonly applied: number;
  readonly accepted: number;
  readonly lag: { readonly records: number };
}

async function statusOf(directory: string): Promise<Status> {
  const { stdout } = await runMillrace(['status', '--json', '--data', directory]);
  return JSON.parse(stdout) as Status;
}

/** Tags of a user each, in lines. */
function lines(count: number, prefix: string): string {
  const generator = new TagGenerator({ seed: 3, start: Date.now() - count, cookies: 50, late: 0, ties: 0 });
  const writer = new TagWriter(prefix);
  return Array.from({ length: count }, () => `${writer.body(generator.next())}\n`).join('');
}

async function applied(count: number): Promise<void> {
  for (;;) {
    const status = await statusOf(data);
    if (status.applied >= count && status.lag.records === 0) return;
    await sleep(20);
  }
}

const numberOf = (text = '0'): number => Number(text.replaceAll(',', ''));

async function forward(request: IncomingMessage, body: Buffer): Promise<{ status: number; text: string }> {
  const answer = await fetch(new URL(request.url ?? '', platform.url), {
    method: request.method ?? '',
    headers: { 'content-type': request.headers['content-type'] ?? '' },
    ...(body.length > 0 && { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

describe('up', () => {
  it('names variables without effect, and prints commands that work when pasted', async () => {
    expect(platform.output()).toContain('These variables have no effect: KAFKA_TOPIC');
    expect(platform.output()).toContain('FRONTEND_PROT means nothing here: did you mean FRONTEND_PORT?');
    const commands = platform.output().match(/^ {2}curl .*$/gm) ?? [];
    expect(commands).toHaveLength(3);
    const [tag, profile, aggregates] = commands as [string, string, string];
    expect((await shell(tag)).stdout).toMatch(/^HTTP\/1\.1 204 /);
    await applied(1);
    expect((JSON.parse((await shell(profile)).stdout) as { buys: unknown[] }).buys).toHaveLength(1);
    expect((JSON.parse((await shell(aggregates)).stdout) as { rows: string[][] }).rows[0]?.slice(1)).toEqual([
      'BUY',
      'Nike',
      '1',
      '1999',
    ]);
  });

  it('refuses a second owner of the data directory and names the first', async () => {
    const { code, stderr } = await millrace('up', '--port', '0');
    expect(stderr).toContain('error DATA_DIRECTORY_LOCKED: ');
    expect(stderr).toContain(String(platform.pid));
    expect(code).toBe(1);
    expect(existsSync(join(data, 'owner.json'))).toBe(true);
  });

  it('feeds itself with --demo, ends with 0 on SIGTERM and takes its announcement back', async () => {
    const other = join(directory, 'demo');
    const demo = await startMillrace({ dataDirectory: other, arguments: ['--demo'] });
    let accepted = 0;
    while (accepted < 100) {
      await sleep(50);
      ({ accepted } = await statusOf(other));
    }
    const commands = [...demo.output().matchAll(/^ {2}npx millrace (?!load)(.*)$/gm)].map(([, line]) => line!);
    expect(commands).toHaveLength(5);
    for (const line of commands) {
      const { code, stderr } = await runMillrace(line.replaceAll("'", '').split(' '));
      expect([line, code, stderr]).toEqual([line, 0, '']);
    }
    expect(commands.join('\n')).toContain('profile user-7');
    expect(existsSync(join(other, 'owner.json'))).toBe(true);
    const { code } = await demo.stop();
    expect(code).toBe(0);
    expect(demo.output()).not.toContain('error');
    expect(existsSync(join(other, 'owner.json'))).toBe(false);
  });
});

describe('load', () => {
  it('finds every answer right, with late tags, ties and more tags than are kept, again and again', async () => {
    for (const seed of ['1', '1']) {
      const args = ['--rate', '0', '--count', '4000', '--cookies', '10', '--late', '5%', '--ties', '5%'];
      // What a busy machine has not applied so soon is asked for again at the end.
      const { code, stdout, stderr } = await millrace('load', ...args, '--seed', seed, '--freshness', '1h', '--json');
      expect(stderr).not.toContain('error');
      const report = JSON.parse(stdout) as LoadReport;
      expect(report).toMatchObject({ passed: true, mismatches: 0, tags: { sent: 4000, acknowledged: 4000 } });
      expect(report.checked.profiles).toBeGreaterThanOrEqual(1000);
      expect(report.checked.aggregates).toBeGreaterThanOrEqual(100);
      expect(code).toBe(0);
    }
  });

  it('tells what is in doubt when the platform is stopped in the middle', async () => {
    const other = join(directory, 'stopped');
    const stopped = await startMillrace({ dataDirectory: other });
    const running = runMillrace(['load', '--rate', '500', '--count', '1000000', '--data', other]);
    while ((await statusOf(other)).accepted < 200) await sleep(50);
    expect((await stopped.stop()).code).toBe(0);
    const { code, stdout, stderr } = await running;
    expect(stdout).toMatch(/The run ended early: http:\S+ answers no more \([\w ]+\): was the platform stopped\?$/m);
    const [, acknowledged, sent] = /^([\d,]+) of ([\d,]+) tags acknowledged/.exec(stdout)!;
    const unanswered = /^([\d,]+) tags? without an answer: whether they are stored is in doubt$/m.exec(stdout)?.[1];
    expect(numberOf(unanswered)).toBe(numberOf(sent) - numberOf(acknowledged));
    expect(stdout).not.toContain('caught up');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('notices a single wrong figure', async () => {
    let spoiled = 0;
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = Buffer.concat(await collect(request as AsyncIterable<Buffer>));
      const { status, text } = await forward(request, body);
      let told = text;
      // The first thing of one profile becomes a cent dearer.
      if (spoiled === 0 && request.url?.startsWith('/user_profiles/') && text.includes('"price"')) {
        spoiled++;
        told = text.replace(/"price":(\d+)/, (_, price) => `"price":${Number(price) + 1}`);
      }
      response.writeHead(status, status === 204 ? {} : { 'content-length': Buffer.byteLength(told) });
      response.end(told);
    };
    const proxy = createServer((request, response) => {
      answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const args = ['--rate', '0', '--count', '300', '--connections', '4', '--tags-only', '--seed', '5'];
      const { code, stdout } = await runMillrace(['load', '--url', url, ...args]);
      expect(stdout).toContain('300 of 300 tags acknowledged');
      expect(stdout).toMatch(/, 1 mismatch\n\n\/user_profiles\/u5-\S+\n {2}expected \{.*\n {2}got {6}\{/);
      expect(spoiled).toBe(1);
      expect(code).toBe(1);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe('replay', () => {
  it('sends a file once, goes on where it has grown, and lists wrong lines', async () => {
    const file = join(directory, 'events.ndjson');
    await writeFile(file, `${lines(3000, 'first-')}nonsense\n`);
    const first = await millrace('replay', file, '--json');
    expect(JSON.parse(first.stdout) as ReplayReport).toMatchObject({ accepted: 3000, rejected: 1, finished: true });
    expect(first.stderr).toContain('line 3001: ');
    expect(first.code).toBe(0);

    await appendFile(file, lines(10, 'second-'));
    const second = await millrace('replay', file, '--json');
    expect(JSON.parse(second.stdout) as ReplayReport).toMatchObject({ accepted: 10, rejected: 0 });
    expect(second.stderr).toContain('before 3,002 were sent');

    const strict = await millrace('replay', file, '--restart', '--strict', '--json');
    expect(JSON.parse(strict.stdout) as ReplayReport).toMatchObject({ accepted: 3010, rejected: 1, finished: false });
    expect(strict.code).toBe(1);
  });

  it('goes on after kill -9 and counts every line once', async () => {
    const file = join(directory, 'killed.ndjson');
    const total = 20_000;
    await writeFile(file, lines(total, 'killed-'));
    const { applied: before } = await statusOf(data);
    // So slow that it cannot come to its end before it is killed.
    const child = spawn(process.execPath, [MILLRACE_MAIN, 'replay', file, '--rate', '200', '--data', data]);
    const gone = once(child, 'exit');
    for (let sent = before; sent < before + 200;) {
      ({ applied: sent } = await platformFigures(platform.url));
    }
    child.kill('SIGKILL');
    expect(await gone).toEqual([null, 'SIGKILL']);
    const { code, stderr } = await millrace('replay', file);
    expect(stderr).toContain('were sent by an earlier run');
    expect(code).toBe(0);
    await applied(before + total);
    const { applied: after } = await statusOf(data);
    expect(after - before).toBe(total);
  });

  it.runIf(process.platform === 'linux')('is refused where it can keep no cursor', async () => {
    const file = join(directory, 'one.ndjson');
    await writeFile(file, lines(1, 'one-'));
    const { code, stderr } = await runMillrace(['replay', file, '--url', platform.url, '--data', '/proc/millrace']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/INVALID_OPTION.*\/proc\/millrace\/replay cannot be made/);
  });

  it('makes tags of CSV, and paces them', async () => {
    const file = join(directory, 'visits.csv');
    // All within one minute.
    const minute = Math.floor(Date.now() / 60_000 - 1) * 60_000;
    const rows = Array.from({ length: 40 }, (_, index) => `${minute + index},visitor,${index}`);
    await writeFile(file, `at,who,cents\n${rows.join('\n')}\n`);
    const map = ['time=at', 'cookie=who', 'price=cents'].flatMap((pair) => ['--map', pair]);
    const set = ['country=PL', 'device=TV', 'action=VIEW', 'origin=o', 'product_id=p', 'brand_id=b', 'category_id=c'];
    const options = [...map, ...set.flatMap((pair) => ['--set', pair]), '--rate', '100'];
    const { stdout, stderr, ms } = await millrace('replay', file, ...options);
    expect(stderr).toBe('');
    expect(stdout).toContain('40 tags accepted, 0 lines rejected');
    // 10 tags per 100 ms: the last ten leave after 300 ms.
    expect(ms).toBeGreaterThan(300);
    for (let found = 0; found < 40;) {
      const profile = await millrace('profile', 'visitor', '--json');
      found = (JSON.parse(profile.stdout) as { views: unknown[] }).views.length;
    }
  });
});

describe('queries', () => {
  it('show tables, and JSON as the interface answers it', async () => {
    const table = await millrace('profile', 'visitor', '--limit', '2');
    expect(table.stdout).toMatch(/^visitor: 2 views, 0 buys\nAction +Time \(UTC\)/);
    expect(table.stdout.trim().split('\n')).toHaveLength(4);
    const chart = await millrace('aggregates', '--last', '30m', '--origin', 'o', '--aggregates', 'COUNT');
    expect(chart.stdout).toMatch(/VIEW +o +40 +#{30}/);
    expect(chart.stdout).toMatch(/^1m_bucket +action +origin +count +bar of count$/m);
    const grouped = await millrace('aggregates', '--last', '30m', '--brand-id', 'b', '--group-by', 'device', '--json');
    const { columns, rows } = JSON.parse(grouped.stdout) as { columns: string[]; rows: string[][] };
    expect(columns).toEqual(['1m_bucket', 'action', 'brand_id', 'device', 'count', 'sum_price']);
    expect(rows.map((row) => Number(row[4])).reduce((sum, count) => sum + count, 0)).toBe(40);
  });

  it('let nothing of a stranger reach the screen as a command to it', async () => {
    const cookie = '\u001b]0;title\u0007\n\u009b2J';
    const tag = { ...(JSON.parse(lines(1, 'any-')) as object), cookie, origin: '\u001b[31m\u2028' };
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(new URL('/user_tags', platform.url), {
      method: 'POST',
      headers,
      body: JSON.stringify(tag),
    });
    expect(status).toBe(204);
    let shown = '';
    while (!shown.includes('31m')) ({ stdout: shown } = await millrace('profile', cookie));
    expect(shown).toContain('\\u001b]0;title\\u0007\\n\\u009b2J: ');
    expect(shown).toContain('\\u001b[31m\\u2028');
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028]/u);
  });

  it("give the platform's own error", async () => {
    const { code, stderr } = await millrace('aggregates', '--from', '2026-01-01', '--to', '2026-01-02');
    expect(stderr).toMatch(/^error RANGE_TOO_LONG: .*60 min/m);
    expect(code).toBe(2);
  });

  it('list no dead letters where there are none, and know none by a wrong id', async () => {
    expect((await millrace('dead-letters', 'list')).stdout).toBe('There are no dead letters.\n');
    expect((await millrace('dead-letters', 'retry', '--all')).stdout).toBe('Retried 0 dead letters.\n');
    const { code, stderr } = await millrace('dead-letters', 'show', '3-4711');
    expect(stderr).toContain('error NOT_FOUND: ');
    expect(code).toBe(1);
  });
});
