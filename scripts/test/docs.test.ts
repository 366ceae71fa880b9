import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serverAvailable, startMillrace } from '@millrace/testkit';
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
  const needs = (scheme: string): boolean =>
    blocks.some(({ language, code }) => language === 'ts' && code.includes(`${scheme}://`));
  const isMissing = (['redis', 'kafka'] as const).some((server) => needs(server) && !serverAvailable(server));
  it.skipIf(isMissing)('prints what it says', { timeout: 60_000 }, async () => {
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

/** First cells of the page's tables that look like this. */
function tableOf(page: string, cell: RegExp): string[] {
  const rows = readFileSync(join(root, page), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.flatMap((row) => cell.exec(row.split('|')[1]!.trim())?.[1] ?? []);
}

function outputOf(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
