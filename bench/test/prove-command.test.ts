import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Proof } from '../src/proof.ts';
import { proofsIn } from '../src/proof-folder.ts';
import { prove } from '../src/prove-command.ts';

const sums: Proof = {
  name: 'sums',
  title: 'sums are exact',
  run: async ({ log, size, workDirectory }) => {
    log(`adding in ${existsSync(workDirectory) ? 'a directory' : 'nowhere'}`);
    return { passed: true, figures: { additions: size === 'small' ? 10 : 1_000_000 } };
  },
};
const breaks: Proof = {
  name: 'breaks',
  title: 'nothing breaks',
  run: ({ workDirectory }) =>
    writeFile(join(workDirectory, 'trace'), 'x').then(() => Promise.reject(new Error('broke'))),
};

const proofNamed = (name: string) =>
  `export const proof = { name: '${name}', title: '', run: () => Promise.reject() };`;

describe('npm run prove', () => {
  let parentDirectory: string;
  let output: string[];
  let progress: string[];

  beforeEach(async () => {
    parentDirectory = await mkdtemp(join(tmpdir(), 'millrace-prove-'));
    output = [];
    progress = [];
  });
  afterEach(() => rm(parentDirectory, { recursive: true }));

  const run = (...args: string[]) =>
    prove(args, {
      proofs: [breaks, sums],
      parentDirectory,
      signal: new AbortController().signal,
      out: (line) => void output.push(line),
      progress: (line) => void progress.push(line),
    });

  it('lists the proofs, one line each, when none is named', async () => {
    expect(await run()).toBe(0);
    expect(output.join('\n')).toMatch(/^breaks {2}nothing breaks\nsums {4}sums are exact$/m);
  });

  it('runs a proof at full size and prints its figures', async () => {
    expect(await run('sums')).toBe(0);
    expect(output).toEqual([
      expect.stringMatching(/^proved {2}sums \(full, .* s\): sums are exact\n {2}additions {2}1,000,000$/),
    ]);
    expect(progress).toContain('sums: adding in a directory');
  });

  it('fails when a proof fails, goes on with the others, and keeps the files of the failed one only', async () => {
    expect(await run('all', '--small', '--json')).toBe(1);
    const [first, second] = JSON.parse(output.join('')) as { workDirectory?: string }[];
    expect(first).toMatchObject({ name: 'breaks', passed: false, notes: [expect.stringContaining('broke')] });
    expect(existsSync(join(first?.workDirectory ?? '', 'trace'))).toBe(true);
    expect(second).toMatchObject({ name: 'sums', passed: true, size: 'small', figures: { additions: 10 } });
    expect(second).not.toHaveProperty('workDirectory');
  });

  it('suggests the nearest spelling of an unknown name', async () => {
    await expect(run('sum')).rejects.toThrow('no proof is called "sum": did you mean sums?');
    expect(output).toEqual([]);
  });

  it('refuses a proof that is not named as its file', async () => {
    await writeFile(join(parentDirectory, 'child.ts'), `throw new Error('started');`);
    await writeFile(join(parentDirectory, 'one.ts'), proofNamed('one'));
    expect((await proofsIn(parentDirectory)).map(({ name }) => name)).toEqual(['one']);
    await writeFile(join(parentDirectory, 'two.ts'), proofNamed('three'));
    await expect(proofsIn(parentDirectory)).rejects.toThrow('calls its proof "three": name it as the file');
  });
});
