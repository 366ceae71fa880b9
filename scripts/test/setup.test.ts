import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { difference } from '../lib/installed.mjs';
import { failure } from '../lib/npm.mjs';
import { nodeProblem } from '../lib/pinned-node.mjs';
import { withLock } from '../lib/setup-lock.mjs';
import { temporaryDirectory } from './temporary-directory.ts';

const here = { os: [process.platform], cpu: [process.arch], optional: true };

const lock = (packages: object) => ({ 'package-lock.json': { packages } });
const installed = (packages: object) => ({ 'node_modules/.package-lock.json': { packages } });
const mustNotWait = (line: string) => expect.fail(line);

describe('what is installed', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' };

  it('is right when npm left what the lock file asks for, without what is for other platforms', async () => {
    const wanted = {
      '': {},
      core: {},
      'node_modules/a': a,
      'node_modules/elsewhere': { ...a, os: ['plan9'], cpu: ['mips'], optional: true },
      'node_modules/core': { resolved: 'core', link: true },
    };
    const { 'node_modules/elsewhere': _, ...found } = wanted;
    expect(difference(await temporaryDirectory({ ...lock(wanted), ...installed(found) }))).toBeUndefined();
  });

  it.for([
    ['a missing package', { 'node_modules/a': a }, {}, 'node_modules/a is missing'],
    [
      'another version',
      { 'node_modules/a': a },
      { 'node_modules/a': { ...a, integrity: 'sha512-b' } },
      'not the version',
    ],
    ['a package too many', {}, { 'node_modules/a': a }, 'installed but not asked for'],
    ['a missing package for this platform', { 'node_modules/a': { ...a, ...here } }, {}, 'node_modules/a is missing'],
  ] as const)('is wrong with %s', async ([, wanted, found, message]) => {
    expect(difference(await temporaryDirectory({ ...lock(wanted), ...installed(found) }))).toContain(message);
  });

  it('is wrong when an installation never came to its end', async () => {
    const root = await temporaryDirectory({ ...lock({ 'node_modules/a': a }), 'node_modules/a/package.json': {} });
    expect(difference(root)).toBe('no packages are installed yet');
  });
});

describe('the pinned Node', () => {
  const core = { 'core/package.json': { engines: { node: '>=22.22' } } };
  const running = { execPath: '/usr/bin/node', platform: 'linux', arch: 'riscv64', version: 'v24.1.0' };

  it('falls back to the running Node when that is new enough', async () => {
    const problem = nodeProblem(await temporaryDirectory(core), running);
    expect(problem).toEqual({ canFallBack: true, message: expect.stringContaining('using Node.js v24.1.0 instead') });
  });

  it.for(['v20.20.2', 'v22.21.9'])('says what to install when the running Node is %s', async (version) => {
    const problem = nodeProblem(await temporaryDirectory(core), { ...running, version });
    expect(problem).toEqual({ canFallBack: false, message: expect.stringContaining('install Node.js 22.22 or later') });
  });
});

describe('two setups at once', () => {
  it('take turns', async () => {
    const path = join(await temporaryDirectory(), 'cache', 'lock');
    const events: string[] = [];
    const said: string[] = [];
    const hold = (name: string) =>
      withLock(
        path,
        (line) => said.push(line),
        async () => {
          events.push(`${name} in`);
          await new Promise((resolve) => setTimeout(resolve, 50));
          events.push(`${name} out`);
        },
      );
    await Promise.all([hold('a'), hold('b')]);
    expect(events).toEqual(['a in', 'a out', 'b in', 'b out']);
    expect(said).toEqual(['another setup of this checkout is running, waiting for it']);
  });

  it('do not wait for one that is gone', async () => {
    const dead = spawnSync(process.execPath, ['--version']);
    const path = join(await temporaryDirectory({ 'lock/pid': String(dead.pid) }), 'lock');
    let entered = false;
    await withLock(path, mustNotWait, async () => {
      entered = true;
      expect(await readFile(join(path, 'pid'), 'utf8')).toBe(String(process.pid));
    });
    expect(entered).toBe(true);
  });

  it('do not wait for one that stopped a while ago and whose process id is in use again', async () => {
    const path = join(await temporaryDirectory(), 'lock');
    await mkdir(path);
    await writeFile(join(path, 'pid'), String(process.pid));
    await utimes(path, new Date(0), new Date(0));
    await expect(withLock(path, mustNotWait, () => Promise.reject(new Error('entered')))).rejects.toThrow('entered');
  });
});

describe('a failed installation', () => {
  it('shows the end of the output and what to do', () => {
    const text = failure(
      1,
      'npm warn EBADENGINE\nnpm error code ENOTFOUND\nnpm error getaddrinfo ENOTFOUND example.org',
    );
    expect(text).toContain('npm error getaddrinfo ENOTFOUND example.org');
    expect(text).not.toContain('EBADENGINE');
    expect(text).toContain('the package registry cannot be reached');
  });

  it('ends the setup with exit code 1 when the registry is out of reach', async () => {
    const root = await temporaryDirectory({
      'package.json': { name: 'a', version: '1.0.0', dependencies: { 'is-number': '7.0.0' } },
      'package-lock.json': {
        name: 'a',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: {
          '': { name: 'a', version: '1.0.0', dependencies: { 'is-number': '7.0.0' } },
          'node_modules/is-number': { version: '7.0.0', integrity: `sha512-${'A'.repeat(86)}==` },
        },
      },
      'core/package.json': { engines: { node: '>=22.22' } },
    });
    const scripts = join(import.meta.dirname, '..');
    await cp(join(scripts, 'setup.mjs'), join(root, 'scripts', 'setup.mjs'));
    await cp(join(scripts, 'lib'), join(root, 'scripts', 'lib'), { recursive: true });
    const { code, output } = await new Promise<{ code: number | null; output: string }>((resolve) => {
      const child = spawn(process.execPath, ['scripts/setup.mjs'], {
        cwd: root,
        // A port that nobody listens on, and no second tries.
        env: {
          ...process.env,
          npm_config_registry: 'http://127.0.0.1:9/',
          npm_config_fetch_retries: '0',
          npm_config_cache: join(root, 'cache'),
        },
      });
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)));
      child.on('close', (exitCode) => resolve({ code: exitCode, output: text }));
    });
    expect(output).toContain('the package registry cannot be reached');
    expect(code).toBe(1);
  });
});
