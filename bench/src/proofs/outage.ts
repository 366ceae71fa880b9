import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { OutageFigures, OutageOptions, Policy } from '../messaging/outage.ts';
import type { TargetName } from '../messaging/target.ts';
import type { Proof, ProofContext } from '../proof.ts';

const CHILD = fileURLToPath(new URL('../messaging/outage-child.ts', import.meta.url));
const TARGETS: readonly TargetName[] = ['Redis stream', 'Kafka topic'];
const POLICIES: readonly Policy[] = ['block', 'drop-oldest'];
const SIZES = {
  // The default of a publisher.
  full: { messages: 1_000_000, depth: 100_000, awayMs: 4000 },
  small: { messages: 3000, depth: 2000, awayMs: 500 },
} as const;

/** In use: twice a publisher's default `max_queue_bytes`. Resident: with the garbage that the engine lets lie, too. */
const LIMITS = { resumedMs: 1000, pauseMs: 500, liveMb: 128, residentMb: 600 };
/** A timer fires late on a busy machine, and an attempt takes its time, too. */
const PAUSE_TOLERANCE_MS = 100;
/** Messages in one request, by default. */
const MAX_BATCH = 1000;

/** A server that is away while a million messages are offered. */
export const proof: Proof = {
  name: 'outage',
  title: 'a stopped broker and 1,000,000 messages: bounded memory, exact counters, delivery again within 1 s',
  needs: ['kafka', 'redis'],
  async run(context) {
    const figures: Record<string, string | number> = {};
    const problems: string[] = [];
    for (const target of TARGETS) {
      for (const policy of POLICIES) {
        const options = { ...SIZES[context.size], policy };
        const outage = await outageOf(target, options, context);
        Object.assign(figures, shown(`${target}, ${policy}`, outage));
        const found = problemsOf(options, outage, context.size);
        problems.push(...found.map((problem) => `${target}, ${policy}: ${problem}`));
      }
    }
    return { passed: problems.length === 0, figures, notes: problems };
  },
};

async function outageOf(
  target: TargetName,
  options: Omit<OutageOptions, 'target'>,
  { signal, log }: ProofContext,
): Promise<OutageFigures> {
  const argument = JSON.stringify({ ...options, target });
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', CHILD, argument], { signal });
  for (const line of stderr.trimEnd().split('\n')) log(line);
  return JSON.parse(stdout) as OutageFigures;
}

function shown(who: string, outage: OutageFigures): Readonly<Record<string, string>> {
  const { away, end } = outage;
  const left = outage.leftWithCaller;
  return {
    [`${who}: while away: offered / queued / dropped / left with the caller`]: numbers(
      away.offered,
      away.queue_depth,
      away.dropped,
      left,
    ),
    [`${who}: at the end: offered / published / dropped / arrived`]: numbers(
      end.offered,
      end.publish_count,
      end.dropped,
      outage.arrived,
    ),
    [`${who}: memory in use, MB more than before (at most ${LIMITS.liveMb})`]: numbers(outage.liveGrowth / 1e6),
    [`${who}: resident memory before / most, MB (at most ${LIMITS.residentMb} more)`]: numbers(
      outage.rssBefore / 1e6,
      outage.rssPeak / 1e6,
    ),
    [`${who}: longest pause between attempts / resumed after a raw client, ms (at most 500 / 1,000)`]: numbers(
      outage.longestPauseMs,
      outage.resumedAfterMs,
    ),
  };
}

const numbers = (...values: readonly number[]): string =>
  values.map((value) => Math.round(value).toLocaleString('en-US')).join(' / ');

function problemsOf(
  { policy, messages, depth }: Omit<OutageOptions, 'target'>,
  outage: OutageFigures,
  size: ProofContext['size'],
): string[] {
  const { away, end, leftWithCaller, told, arrived } = outage;
  // The one that the caller waits with is offered, and stays with the caller.
  const waiting = policy === 'block' ? 1 : 0;
  // What is under way, one request at most, comes on top of the queue.
  const isBounded = ({ dropped, queue_depth: queued }: OutageFigures['away']): boolean =>
    dropped === messages - queued && queued <= depth + MAX_BATCH;
  const checks: readonly (readonly [what: string, holds: boolean])[] = [
    ['offered = published + refused + dropped + queued while away', addsUp(away)],
    ['offered = published + refused + dropped + queued at the end', addsUp(end)],
    ['what was offered while away and what was left make all', away.offered - waiting + leftWithCaller === messages],
    ['the queue is full while away', away.queue_depth >= depth],
    [
      'nothing is dropped with block, all above the bound with drop-oldest',
      policy === 'block' ? away.dropped === 0 : isBounded(away),
    ],
    ['all is offered in the end', end.offered === messages],
    ['nothing is dropped after the outage', end.dropped === away.dropped],
    ['every dropped message was told', told === end.dropped],
    ['nothing is queued in the end', end.queue_depth === 0],
    ['all that counts as published has arrived, once', arrived === end.publish_count],
  ];
  const limits: readonly (readonly [what: string, holds: boolean])[] = [
    ['memory in use is bounded', outage.liveGrowth <= LIMITS.liveMb * 1e6],
    ['resident memory is bounded', outage.rssPeak - outage.rssBefore <= LIMITS.residentMb * 1e6],
    ['pauses between attempts are capped', outage.longestPauseMs <= LIMITS.pauseMs + PAUSE_TOLERANCE_MS],
    ['delivery resumes within a second', outage.resumedAfterMs <= LIMITS.resumedMs],
  ];
  // A small run measures next to other tests.
  const all = size === 'full' ? [...checks, ...limits] : checks;
  return all.filter(([, holds]) => !holds).map(([what]) => `not so: ${what}`);
}

const addsUp = ({ offered, publish_count: published, refused, dropped, queue_depth: queued }: OutageFigures['end']) =>
  offered === published + refused + dropped + queued;
