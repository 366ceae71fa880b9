import { join } from 'node:path';
import { PROOFS, proofsIn } from './proof-folder.ts';
import { prove } from './prove-command.ts';

// A second interrupt finds no listener and ends the process at once.
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());

try {
  process.exitCode = await prove(process.argv.slice(2), {
    proofs: await proofsIn(PROOFS),
    parentDirectory: join(import.meta.dirname, '..', '..', '.cache', 'prove'),
    signal: interrupted.signal,
    out: (line) => process.stdout.write(`${line}\n`),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
