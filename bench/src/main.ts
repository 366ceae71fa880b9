import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { serverAvailable } from '@millrace/testkit';
import { bench } from './bench-command.ts';
import { PROOFS, proofsIn } from './proof-folder.ts';

/**
 * `npm run bench [-- CHAPTER]`: measures at full size, about half an hour for all chapters, and writes
 * `bench/RESULTS.md`. What needs a server that is not on this machine is left out.
 */
const results = join(import.meta.dirname, '..', 'RESULTS.md');
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

try {
  await bench(process.argv.slice(2), {
    proofs: await proofsIn(PROOFS),
    parentDirectory: join('.cache', 'prove'),
    signal: interrupted.signal,
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.version}, ${process.platform}`,
    date: new Date().toISOString().slice(0, 10),
    available: ({ needs = [] }) => needs.every(serverAvailable),
    readPage: () => readFile(results, 'utf8'),
    writePage: (page) => writeFile(results, page),
    progress: (line) => console.error(line),
  });
  console.log(`written: ${results}`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
