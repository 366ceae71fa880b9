import { parseArgs } from 'node:util';
import { MillraceError, nearestSpelling } from '@millrace/core';
import type { Proof } from './proof.ts';
import { type Chapter, CHAPTERS, resultsPage, withChapter } from './results-page.ts';
import { type ProofReport, runProof } from './run-proof.ts';

export interface BenchEnvironment {
  readonly proofs: readonly Proof[];
  readonly parentDirectory: string;
  readonly signal: AbortSignal;
  /** For the page. */
  readonly machine: string;
  readonly date: string;
  /** Whether what the proof needs is on this machine; else it is left out. */
  available(proof: Proof): boolean;
  /** The page as it is. */
  readPage(): Promise<string>;
  writePage(page: string): Promise<void>;
  /** Writes one line of progress. */
  readonly progress: (line: string) => void;
}

/**
 * The command `npm run bench`: measures all chapters of the page of results, or the one that is named.
 *
 * @throws INVALID_ARGUMENT for a chapter that there is not; an error of `node:util` for an unknown option
 */
export async function bench(args: readonly string[], environment: BenchEnvironment): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { small: { type: 'boolean' } },
  });
  const { signal, machine, date, progress } = environment;
  const chapter = positionals[0] === undefined ? undefined : chapterOf(positionals[0]);
  const page = chapter === undefined ? '' : await environment.readPage();
  const reports: ProofReport[] = [];
  for (const name of (chapter === undefined ? CHAPTERS : [chapter]).flatMap(({ proofs }) => proofs)) {
    const proof = environment.proofs.find((each) => each.name === name);
    if (proof === undefined) throw new Error(`there is no proof called ${name}`);
    if (signal.aborted) return;
    if (!environment.available(proof)) continue;
    const report = await runProof(proof, {
      size: values.small === true ? 'small' : 'full',
      parentDirectory: environment.parentDirectory,
      signal,
      log: (line) => progress(`${name}: ${line}`),
    });
    reports.push(report);
    // After each of them: half an hour of figures must not hang on the last.
    await environment.writePage(
      chapter === undefined
        ? resultsPage(reports, machine, date)
        : withChapter(page, chapter, reports, { machine, date }),
    );
  }
}

function chapterOf(name: string): Chapter {
  const found = CHAPTERS.find((chapter) => chapter.name === name);
  if (found !== undefined) return found;
  const known = CHAPTERS.map((chapter) => chapter.name);
  const nearest = nearestSpelling(name, known);
  const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`;
  throw new MillraceError('INVALID_ARGUMENT', `no chapter is called "${name}": ${hint}`, {
    field: 'CHAPTER',
    value: name,
    accepted: known.join(', '),
  });
}
