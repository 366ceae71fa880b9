import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { serverAvailable } from '@millrace/testkit';
import { PROOFS, proofsIn } from './proof-folder.ts';
import { CHAPTERS, resultsPage } from './results-page.ts';
import { type ProofReport, runProof } from './run-proof.ts';

const RESULTS = join(import.meta.dirname, '..', 'RESULTS.md');

/**
 * `npm run bench`: measures at full size, about half an hour, and writes `bench/RESULTS.md`. What needs a server that is
 * not on this machine is left out.
 */
async function main(): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const proofs = await proofsIn(PROOFS);
  const reports: ProofReport[] = [];
  for (const name of CHAPTERS.flatMap((chapter) => chapter.proofs)) {
    const proof = proofs.find((each) => each.name === name);
    if (proof === undefined) throw new Error(`there is no proof called ${name}`);
    if (interrupted.signal.aborted) return;
    if (!(proof.needs ?? []).every(serverAvailable)) continue;
    const report = await runProof(proof, {
      size: 'full',
      parentDirectory: join('.cache', 'prove'),
      signal: interrupted.signal,
      log: (line) => console.error(`${name}: ${line}`),
    });
    reports.push(report);
    // After each of them: half an hour of figures must not hang on the last.
    await writeFile(RESULTS, resultsPage(reports, machine(), new Date().toISOString().slice(0, 10)));
  }
  console.log(`written: ${RESULTS}`);
}

const machine = (): string =>
  `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, ${process.platform}`;

await main();
