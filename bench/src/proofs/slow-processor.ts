import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { caughtUp, queryOf, sendTags, TagOracle } from '@millrace/testkit';
import type { Proof, ProofContext } from '../proof.ts';
import type { PausableAnswer, PausableCommand } from './pausable-platform.ts';

const LEAST_RATE = 100_000;
/** Garbage that was not collected yet and compiled code; a backlog of a million tags kept in memory takes far more. */
const MOST_GROWTH_BYTES = 64e6;

/** With the processor stopped the frontend acknowledges, memory stays flat, and the processor catches up afterwards. */
export const proof: Proof = {
  name: 'slow-processor',
  title: 'a stopped processor: tags are acknowledged, memory stays flat, then it catches up',
  async run(context) {
    const full = context.size === 'full';
    const entry = fileURLToPath(new URL(`pausable-platform${import.meta.url.slice(-3)}`, import.meta.url));
    const child = fork(entry, [join(context.workDirectory, 'data')]);
    try {
      const [{ url }] = (await once(child, 'message')) as [{ url: string }];
      const oracle = new TagOracle();
      await ask(child, 'pause');
      const memory = await sendWhilePaused(child, url, oracle, full ? 1_000_000 : 20_000, context);
      const backlog = oracle.acknowledged;
      const resumedAt = performance.now();
      await ask(child, 'resume');
      await caughtUp(url);
      const rate = (backlog / (performance.now() - resumedAt)) * 1000;
      const { mismatches } = await oracle.compare(queryOf(url));
      await ask(child, 'stop');
      const growth = Math.max(...memory.slice(memory.length / 4)) - Math.max(...memory.slice(0, memory.length / 4));
      return {
        passed: mismatches.length === 0 && (!full || (rate >= LEAST_RATE && growth <= MOST_GROWTH_BYTES)),
        figures: {
          'tags acknowledged meanwhile': backlog,
          'largest memory, MB': Math.round(Math.max(...memory) / 1e6),
          'growth of memory after a quarter, MB': Math.round(growth / 1e6),
          'caught up, tags per second': Math.round(rate),
          mismatches: mismatches.length,
        },
        notes: mismatches.slice(0, 5),
      };
    } finally {
      if (child.exitCode === null) child.kill('SIGKILL');
    }
  },
};

/** Memory of the platform's process, sampled over the time of sending. */
async function sendWhilePaused(
  child: ChildProcess,
  url: string,
  oracle: TagOracle,
  tags: number,
  context: ProofContext,
): Promise<number[]> {
  const enough = new AbortController();
  const sending = sendTags({ url, oracle, connections: 4, batchConnections: 2, signal: enough.signal });
  const memory: number[] = [];
  while (oracle.sent < tags) {
    memory.push((await ask(child, 'memory')).rss);
    await sleep(50);
  }
  enough.abort();
  const { failures } = await sending;
  if (failures.length > 0) throw new Error(`tags were refused while the processor was stopped: ${failures[0]}`);
  const { applied } = (await queryOf(url)('/admin/status')) as { applied: number };
  if (applied > 0) throw new Error(`${applied} tags were applied although the processor was stopped`);
  context.log(`${oracle.acknowledged} tags acknowledged while the processor was stopped`);
  return memory;
}

async function ask(child: ChildProcess, command: PausableCommand): Promise<{ readonly rss: number }> {
  child.send(command);
  const [answer] = (await once(child, 'message')) as [PausableAnswer];
  if ('rss' in answer) return answer;
  throw new Error(`the platform answered ${JSON.stringify(answer)} to ${command}`);
}
