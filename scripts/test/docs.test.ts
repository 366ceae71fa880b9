import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverAvailable, startMillrace, tableRows } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DocumentSession } from './document-session.ts';
import { answerPattern, comparable, fencesOf } from './fences.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root }).toSorted()];
const fences = pages.flatMap((page) => fencesOf(root, page));

/** Inside the repository, where programs find its packages. */
let folder: string;

beforeAll(async () => {
  await mkdir(join(root, '.cache'), { recursive: true });
  folder = await mkdtemp(join(root, '.cache', 'docs-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('shows TypeScript that compiles as it stands', async () => {
  const programs = fences.filter(({ language }) => language === 'ts');
  expect(programs.length).toBeGreaterThan(5);
  const sources = join(folder, 'types');
  await mkdir(sources);
  const options = { composite: false, noEmit: true, noUnusedLocals: false, moduleDetection: 'force' };
  const config = { extends: '../../../tsconfig.base.json', compilerOptions: options, include: ['*.ts'] };
  await writeFile(join(sources, 'tsconfig.json'), JSON.stringify(config));
  for (const { page, line, code } of programs) {
    await writeFile(join(sources, `${page.replaceAll('/', '-')}-line-${line}.ts`), code);
  }
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  expect(outputOf(tsc, ['-p', sources])).toBe('');
});

const sessions = Map.groupBy(
  fences.filter(({ answer }) => answer !== undefined),
  ({ page }) => page,
);

it('has a session in the README and in every tutorial', () => {
  const tutorials = pages.filter((page) => page.startsWith('docs/tutorials/'));
  expect([...sessions.keys()]).toEqual(expect.arrayContaining(['README.md', ...tutorials]));
});

describe.each([...sessions])('%s', (page, blocks) => {
  const needs = (address: string): boolean => blocks.some(({ code }) => code.includes(address));
  const isMissing =
    (needs('localhost:6379') && !serverAvailable('redis')) || (needs('localhost:9092') && !serverAvailable('kafka'));
  it.skipIf(isMissing)('prints what it says', { timeout: 600_000 }, async () => {
    const own = await mkdtemp(join(folder, 'session-'));
    // A document whose platform has a directory of its own says so in its first line of shell.
    const named = /^export MILLRACE_DATA=(\S+)$/m.exec(readFileSync(join(root, page), 'utf8'))?.[1];
    const session = new DocumentSession(root, own, named ?? '.millrace');
    onTestFinished(() => session.close());
    for (const block of blocks) {
      const printed = comparable(await session.run(block), Date.now());
      expect(printed, `${page}:${block.line}: ${block.code}`).toMatch(answerPattern(block.answer!));
    }
  });
});

describe('the reference', () => {
  it('is listed page by page in docs/README.md', () => {
    const index = readFileSync(join(root, 'docs', 'README.md'), 'utf8');
    const listed = [...index.matchAll(/\]\(([^)#]+\.md)\)/g)].map(([, target]) => target);
    const existing = pages.filter((page) => page.startsWith('docs/')).map((page) => page.slice('docs/'.length));
    expect(listed).toEqual(expect.arrayContaining(existing.filter((page) => page !== 'README.md')));
  });

  it('has every route and every metric of a running platform, and no other', async () => {
    const platform = await startMillrace({ dataDirectory: join(folder, 'reference') });
    onTestFinished(async () => void (await platform.stop()));
    const { routes } = (await (await fetch(platform.url)).json()) as { routes: Record<string, string> };
    const metrics = await (await fetch(`${platform.url}/metrics`)).text();
    expect(tableOf('docs/http-api.md', /^`((?:GET|POST)[^`]*)`$/).toSorted()).toEqual(
      Object.keys(routes)
        .map((route) => route.replace(',', ', ').replaceAll(/:(\w+)/g, '{$1}'))
        .toSorted(),
    );
    const names = [...metrics.matchAll(/^# TYPE (millrace_\w+) /gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(10);
    expect(tableOf('docs/operations.md', /^`(millrace_\w+)`$/).toSorted()).toEqual(names.toSorted());
  });
});

describe('the figures for sizing', () => {
  const sizing = new Map(cellsOf('docs/scaling.md').map(([part = '', ...cells]) => [part, cells]));
  const results = new Map(cellsOf('bench/RESULTS.md').map(([figure = '', value = '']) => [figure, value]));
  const figureOf = (start: string): string => [...results].find(([figure]) => figure.startsWith(start))?.[1] ?? '';

  it.each([
    ['frontend', 'CPU us per tag: frontends'],
    ['processor', 'CPU us per tag: processor'],
    ['Kafka', 'CPU us per tag: Kafka'],
    ['Redis', 'CPU us per tag: Redis'],
    ['HAProxy', 'CPU us per tag: HAProxy (not counted)'],
  ])('are those of the results: %s', (part, figure) => {
    const [cost, rate] = sizing.get(part) ?? [];
    expect(cost).toBe(results.get(figure));
    expect(rate).toBe((Math.round(1000 / Number(cost)) * 1000).toLocaleString('en'));
  });

  it('are those of the results: rate, sum, memory', () => {
    const text = readFileSync(join(root, 'docs', 'scaling.md'), 'utf8');
    const [frontends = '', processor = ''] = figureOf('resident memory at the end').split(' / ');
    expect(text).toContain(`${figureOf('tags/s acknowledged (at least 15,000)')} a second`);
    expect(text).toContain(`Together ${figureOf('CPU us per tag, all parts')} us`);
    expect(sizing.get('each frontend')?.[0]).toMatch(new RegExp(`^${Number(frontends) / 2} MB`));
    expect(sizing.get('each processor')?.[0]).toMatch(new RegExp(`^${processor} MB`));
    const [many = '', few = ''] = ['at 3,000,000 tags', 'at 100,000 tags'].map(
      (start) => figureOf(start).split(' / ')[0],
    );
    expect(sizing.get('Redis, state')?.[0]).toBe(`${many} bytes per tag at 3,000,000 tags, ${few} at 100,000`);
  });
});

/** First cells of the page's tables that look like this. */
function tableOf(page: string, cell: RegExp): string[] {
  return cellsOf(page).flatMap(([first = '']) => cell.exec(first)?.[1] ?? []);
}

/** The rows of all tables of a page. */
function cellsOf(page: string): string[][] {
  return tableRows(readFileSync(join(root, page), 'utf8'));
}

function outputOf(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
