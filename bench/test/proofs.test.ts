import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverAvailable } from '@millrace/testkit';
import { describe, expect, it, vi } from 'vitest';
import { PROOFS, proofsIn } from '../src/proof-folder.ts';
import { formatReport, runProof } from '../src/run-proof.ts';

/** For the busiest machine, as the limits within the proofs: one that hangs says so earlier. */
const TIMEOUT_MS = 600_000;

// The tests of the connector use a real server at the same time, whose namespaces must be empty to be measured.
vi.stubEnv('AEROSPIKE_URL', undefined);

describe('every proof holds at its small size', async () => {
  it.for(await proofsIn(PROOFS))('$name: $title', { timeout: TIMEOUT_MS }, async (proof, { signal, skip }) => {
    if (!(proof.needs ?? []).every(serverAvailable)) skip();
    const parentDirectory = await mkdtemp(join(tmpdir(), 'millrace-proofs-'));
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const report = await runProof(proof, { size: 'small', parentDirectory, signal, log });
    expect(report.passed, `${formatReport(report)}\n${lines.join('\n')}`).toBe(true);
    await rm(parentDirectory, { recursive: true });
  });
});
