import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './temporary-directory.ts';

const repository = join(import.meta.dirname, '..', '..');
const link = (resolved: string) => ({ resolved, link: true });

/** A repository in small, with the same rooms. */
const HOUSE = {
  'package.json': { devDependencies: { vitest: '1' }, optionalDependencies: { aerospike: '1' } },
  'package-lock.json': {
    packages: {
      'node_modules/@millrace/core': link('core'),
      'node_modules/@millrace/embedded': link('connectors/embedded'),
      'node_modules/@millrace/analytics': link('platform/analytics'),
      'node_modules/@millrace/testkit': link('testkit'),
      'node_modules/@millrace/aerospike-dev': link('servers/aerospike-dev'),
      'node_modules/millrace': link('platform/cli'),
    },
  },
  'core/package.json': { dependencies: { pino: '1' } },
  'connectors/embedded/package.json': { dependencies: { '@millrace/core': '1' } },
  'connectors/aerospike/package.json': { peerDependencies: { aerospike: '1' } },
  'platform/analytics/package.json': { dependencies: { '@millrace/core': '1', '@millrace/embedded': '1' } },
  'platform/cli/package.json': { dependencies: { '@millrace/analytics': '1', '@millrace/aerospike-dev': '1' } },
  'bench/package.json': { dependencies: { '@millrace/embedded': '1', millrace: '1' } },
  'attic/package.json': { dependencies: { '@millrace/core': '1' } },
};

/** What the repository's own lint configuration says about one file with one line. */
async function lint(file: string, line: string): Promise<string[]> {
  const root = await temporaryDirectory({ ...HOUSE, [file]: `${line}\n` });
  const config = join(repository, '.oxlintrc.json');
  const { stdout, stderr } = spawnSync('oxlint', ['--config', config, '--format', 'json', file], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, PATH: `${join(repository, 'node_modules', '.bin')}:${process.env['PATH']}` },
  });
  if (!stdout.startsWith('{')) throw new Error(stdout + stderr);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; message: string }[] };
  return diagnostics.filter(({ code }) => code === 'millrace(imports)').map(({ message }) => message);
}

describe('the lint rule about imports', () => {
  it.for([
    ['connectors/embedded/src/a.ts', `export { open } from '@millrace/core';`],
    ['connectors/embedded/test/a.test.ts', `import '@millrace/testkit'; import 'vitest'; import '@millrace/embedded';`],
    ['platform/cli/src/a.ts', `await import('@millrace/analytics');`],
    ['platform/cli/src/a.ts', `await import('@millrace/aerospike-dev');`],
    ['connectors/aerospike/src/a.ts', `import 'aerospike';`],
    ['connectors/aerospike/test/a.test.ts', `import '@millrace/aerospike-dev'; import 'aerospike';`],
    ['platform/cli/test/a.test.ts', `import 'aerospike';`],
    ['core/src/a.ts', `import './b.ts'; import 'node:fs'; import 'pino/file';`],
    ['bench/src/a.ts', `import '@millrace/embedded';`],
    ['scripts/test/a.test.ts', `import '../lib/b.ts'; import 'vitest';`],
  ] as const)('accepts in %s: %s', async ([file, line]) => {
    expect(await lint(file, line)).toEqual([]);
  });

  it.for([
    ['core/src/a.ts', `import '@millrace/embedded';`, 'core may not import connectors/embedded'],
    ['platform/analytics/src/a.ts', `import type { A } from '@millrace/embedded';`, 'through the registry'],
    ['platform/analytics/src/a.ts', `await import('@millrace/embedded');`, 'through the registry'],
    ['platform/analytics/test/a.test.ts', `export * from '@millrace/embedded';`, 'through the registry'],
    ['platform/analytics/src/a.ts', `import '@millrace/testkit';`, 'platform/analytics may not import testkit'],
    ['bench/src/a.ts', `import 'millrace';`, 'nothing imports the command line'],
    ['core/src/a.ts', `import '../../platform/cli/src/a.ts';`, 'leaves core: import the package by its name'],
    ['core/src/a.ts', `import 'fastify';`, '"fastify" is not among the dependencies in core/package.json'],
    ['platform/cli/src/a.ts', `import 'aerospike';`, '"aerospike" is not among the dependencies'],
    ['connectors/aerospike/src/a.ts', `import '@millrace/aerospike-dev';`, 'knows core and storage only'],
    ['core/src/a.ts', `import 'vitest';`, '"vitest" is not among the dependencies in core/package.json'],
    ['platform/cli/src/a.ts', `import '@millrace/core';`, 'not among the dependencies in platform/cli/package.json'],
    ['core/src/a.ts', `import '@millrace/core';`, 'is this package itself'],
    ['core/src/a.ts', `import 'fs';`, 'write "node:fs"'],
    ['attic/src/a.ts', `import '@millrace/core';`, '"attic" has no line in scripts/lint/rooms.mjs'],
  ] as const)('refuses in %s: %s', async ([file, line, message]) => {
    expect(await lint(file, line)).toEqual([expect.stringContaining(message)]);
  });
});
