import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import { caughtUp, freePort, queryOf, seededRandom, sendTags, startMillrace, TagOracle } from '@millrace/testkit';
import { childrenOf } from '../child-processes.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';

const SIZES = {
  full: { tags: 200_000, kills: 10, lostAnswersPercent: 1, connections: 16, batchConnections: 2, batchSize: 100 },
  // Some dozens of writes: of so few, one in a hundred may well be none.
  small: { tags: 3000, kills: 2, lostAnswersPercent: 25, connections: 8, batchConnections: 1, batchSize: 20 },
} as const;

/** The state on Aerospike while answers are lost, a node is lost and comes back, and the processor is killed. */
export const proof: Proof = {
  name: 'aerospike-faults',
  title: 'State on Aerospike: 1 % of writes time out after being applied, a node is lost, the processor killed: exact',
  async run(context) {
    const server = await startAerospikeDev({
      port: await freePort(3),
      nodes: 3,
      namespaces: ['profiles', 'aggregates'],
    });
    try {
      return await underFaults(context, server);
    } finally {
      await server.stop();
    }
  },
};

async function underFaults(context: ProofContext, server: AerospikeDev): Promise<ProofResult> {
  const { tags, kills, lostAnswersPercent, ...shape } = SIZES[context.size];
  const state = `aerospike://${server.hosts}/profiles?aggregates_namespace=aggregates`;
  const dataDirectory = join(context.workDirectory, 'data');
  const platform = await startMillrace({ dataDirectory, arguments: ['--state', state] });
  try {
    const lostAnswers = await server.faults.add({
      kind: 'timeout-after-apply',
      commands: 'write',
      percent: lostAnswersPercent,
    });
    const oracle = new TagOracle();
    const enough = new AbortController();
    context.signal.addEventListener('abort', () => enough.abort(), { once: true });
    const startedAt = performance.now();
    const sending = sendTags({ url: platform.url, oracle, ...shape, goOn: true, signal: enough.signal });
    const at = async (share: number): Promise<void> => {
      while (oracle.acknowledged < share * tags && !enough.signal.aborted) await sleep(5);
    };
    const random = seededRandom(9);
    let killed = 0;
    for (let kill = 1; kill <= kills; kill++) {
      // At any moment between two commits or within one.
      await at((kill - 1 + random()) / kills);
      if (kill === Math.ceil(kills * 0.4)) {
        await server.loseNode(2);
        context.log(`a node was lost after ${oracle.acknowledged} tags`);
      }
      if (kill === Math.ceil(kills * 0.7)) {
        await server.returnNode(2);
        context.log(`the node has come back after ${oracle.acknowledged} tags`);
      }
      killed += await killChildren(platform.pid, enough.signal);
      context.log(`the processor was killed after ${oracle.acknowledged} tags`);
      // The next one takes over before it is killed as well.
      await newChild(platform.pid, enough.signal);
    }
    await at(1);
    const struckSoFar = async (): Promise<number> =>
      (await server.faults.list()).find(({ id }) => id === lostAnswers.id)?.struck ?? 0;
    // Few writes, as a busy machine makes them, may all have been spared.
    while ((await struckSoFar()) === 0 && !enough.signal.aborted) await sleep(20);
    enough.abort();
    const { failures } = await sending;
    const seconds = (performance.now() - startedAt) / 1000;
    await caughtUp(platform.url, context.signal);
    const caughtUpMs = performance.now() - startedAt - seconds * 1000;
    const struck = await struckSoFar();
    await server.faults.clear();
    const { mismatches, acknowledged, inDoubtApplied } = await oracle.compare(queryOf(platform.url));
    return {
      passed: mismatches.length === 0 && acknowledged >= tags && killed >= kills && struck > 0,
      figures: {
        database: 'aerospike-dev with three nodes, in the process of the proof',
        'tags sent': oracle.sent,
        'tags acknowledged': acknowledged,
        'unacknowledged but applied': inDoubtApplied,
        'processors killed': killed,
        'writes applied whose answer was lost': struck,
        'tags per second, all on one machine': Math.round(oracle.sent / seconds),
        'caught up after the last tag, ms': Math.round(caughtUpMs),
        mismatches: mismatches.length,
      },
      notes: [...mismatches.slice(0, 5), ...new Set(failures.slice(0, 5))],
    };
  } finally {
    await platform.stop();
  }
}

/** The processor is the platform's only child process. */
async function killChildren(pid: number, signal: AbortSignal): Promise<number> {
  const children = await newChild(pid, signal);
  for (const child of children) process.kill(child, 'SIGKILL');
  // Gone, so that the next one is told from it.
  while ((await childrenOf(pid)).some((child) => children.includes(child))) await sleep(10);
  return children.length;
}

async function newChild(pid: number, signal: AbortSignal): Promise<number[]> {
  for (;;) {
    const children = await childrenOf(pid);
    if (children.length > 0 || signal.aborted) return children;
    await sleep(20);
  }
}
