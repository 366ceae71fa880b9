import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const LARGEST_BYTES = 1_000_000;

interface LockedPackage {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What is committed or would be: everything that .gitignore does not name. */
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));

const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

it('holds no large files: data and downloads belong into .cache', () => {
  expect(files).toContain('package.json');
  expect(files.filter((file) => statSync(join(root, file)).size > LARGEST_BYTES)).toEqual([]);
});

it('names no path of the machine it was written on', () => {
  expect(files.filter((file) => textOf(file).includes(`${root}/`))).toEqual([]);
});

it('locks versions and checksums but no registry: everyone installs from their own', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as {
    packages: Record<string, LockedPackage>;
  };
  const installed = Object.entries(packages).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  );
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  expect(installed.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
});

it('locks the optional packages of every platform: npm ci refuses a lock file that lacks one', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, LockedPackage> };
  const optional = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ path, name })),
  );
  expect(optional.length).toBeGreaterThan(50);
  expect(
    optional.filter(
      ({ path, name }) =>
        packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
    ),
  ).toEqual([]);
});

it('has a target for every relative link in its documents', () => {
  const broken: string[] = [];
  let links = 0;
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    // Code is no place for links: what looks like one there is an array index or a call.
    const prose = textOf(file)
      .replaceAll(/^(```|~~~)[^]*?^\1/gm, '')
      .replaceAll(/`[^`\n]*`/g, '');
    for (const [, target] of prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)) {
      if (target === undefined || /^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      links++;
      const problem = brokenLink(file, target);
      if (problem !== undefined) broken.push(`${file}: ${target}: ${problem}`);
    }
  }
  expect(links).toBeGreaterThan(0);
  expect(broken).toEqual([]);
});

function brokenLink(file: string, target: string): string | undefined {
  const [path = '', anchor] = decodeURI(target).split('#', 2);
  const found = path === '' ? join(root, file) : resolve(root, dirname(file), path);
  if (relative(root, found).startsWith('..')) return 'leaves the repository';
  if (!existsSync(found)) return 'there is no such file';
  if (anchor === undefined || !found.endsWith('.md')) return undefined;
  const anchors = [...readFileSync(found, 'utf8').matchAll(/^#+\s+(.*)$/gm)].map(([, heading = '']) => slug(heading));
  return anchors.includes(anchor) ? undefined : `there is no heading #${anchor}`;
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

it('makes directories by makeDirectory of core: the recursive mkdir of Node never ends below /proc', () => {
  const product = files.filter((file) => /^(core|storage|connectors|servers|platform)\/.*src\/.*\.ts$/.test(file));
  expect(product).toContain('core/src/make-directory.ts');
  expect(product.filter((file) => /mkdir(Sync)?\([^;]*recursive/.test(textOf(file)))).toEqual([]);
});
