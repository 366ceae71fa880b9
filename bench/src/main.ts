import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { PROOFS, proofsIn } from './proof-folder.ts';
import { type ProofReport, runProof } from './run-proof.ts';

/** The proofs whose figures are a benchmark, in the order of the page. */
const BENCHMARKS = ['ingest', 'latency', 'growth', 'restart'];
const RESULTS = join(import.meta.dirname, '..', 'RESULTS.md');

/** `npm run bench`: measures at full size, about a quarter of an hour, and writes `bench/RESULTS.md`. */
async function main(): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const proofs = await proofsIn(PROOFS);
  const reports: ProofReport[] = [];
  for (const name of BENCHMARKS) {
    const proof = proofs.find((each) => each.name === name);
    if (proof === undefined) throw new Error(`there is no proof called ${name}`);
    if (interrupted.signal.aborted) return;
    const report = await runProof(proof, {
      size: 'full',
      parentDirectory: join('.cache', 'prove'),
      signal: interrupted.signal,
      log: (line) => console.error(`${name}: ${line}`),
    });
    reports.push(report);
  }
  await writeFile(RESULTS, page(reports));
  console.log(`written: ${RESULTS}`);
}

function page(reports: readonly ProofReport[]): string {
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, ${process.platform}`;
  const tables = reports.map(({ title, figures, notes = [] }) => {
    const rows = Object.entries(figures).map(([name, value]) => `| ${name} | ${value.toLocaleString('en-US')} |\n`);
    return `## ${title}\n\n| figure | value |\n| --- | --- |\n${rows.join('')}\n${notes.map((note) => `${note}\n`).join('')}`;
  });
  const date = new Date().toISOString().slice(0, 10);
  return `# Results\n\nMade by \`npm run bench\` on ${date}: ${machine}. Compare figures of one table only.\n\n${tables.join('\n')}`;
}

await main();
