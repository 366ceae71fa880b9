import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bench, type BenchEnvironment } from '../src/bench-command.ts';
import type { Proof } from '../src/proof.ts';
import { CHAPTERS } from '../src/results-page.ts';

/** All proofs of the page, at once and with one figure. */
const proofs = CHAPTERS.flatMap((chapter) => chapter.proofs).map((name): Proof => ({
  name,
  title: `title of ${name}`,
  run: async ({ size }) => ({ passed: true, figures: { size } }),
}));

async function run(args: readonly string[], page = '', changes: Partial<BenchEnvironment> = {}): Promise<string> {
  const parentDirectory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  onTestFinished(() => rm(parentDirectory, { recursive: true }));
  let written = page;
  await bench(args, {
    proofs,
    parentDirectory,
    signal: new AbortController().signal,
    machine: '2 cores',
    date: '2026-01-02',
    available: () => true,
    readPage: async () => page,
    writePage: async (text) => void (written = text),
    progress: () => undefined,
    ...changes,
  });
  return written;
}

const withoutAerospike = (page: string): string[] =>
  page.split(/^(?=## )/m).filter((section) => !section.startsWith('## Aerospike\n'));

describe('npm run bench', () => {
  it('measures every chapter at full size', async () => {
    const page = await run([]);
    for (const { title } of CHAPTERS) expect(page).toContain(`\n## ${title}\n`);
    expect(page).toContain('| size | full |');
  });

  it('measures one chapter anew, says so there, and leaves the others as they are', async () => {
    const before = await run([]);
    const after = await run(['aerospike'], before, { date: '2026-03-04', machine: '8 cores' });
    expect(withoutAerospike(after)).toEqual(withoutAerospike(before));
    expect(after).toContain(
      '## Aerospike\n\nMeasured by `npm run bench -- aerospike` on 2026-03-04: 8 cores.\n\nWith Kafka and HAProxy',
    );
    expect(await run(['aerospike'], after, { date: '2026-03-04', machine: '8 cores' })).toBe(after);
  });

  it('puts a chapter that was not there behind the others', async () => {
    const before = await run([], '', { available: ({ name }) => !name.startsWith('aerospike') });
    expect(before).not.toContain('## Aerospike');
    const after = await run(['aerospike', '--small'], before);
    for (const section of before.split(/^(?=## )/m)) expect(after).toContain(section.trimEnd());
    expect(after).toContain('## Aerospike');
    expect(after).toContain('`npm run prove -- aerospike-cost --small`');
  });

  it('names the chapters when it is none of them', async () => {
    await expect(run(['aerospiek'])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'no chapter is called "aerospiek": did you mean aerospike?',
    });
  });
});
