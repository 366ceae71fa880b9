import { setTimeout as sleep } from 'node:timers/promises';
import { startMillrace } from './millrace-process.ts';
import { TagOracle, type Query, type Verdict } from './tag-oracle.ts';
import { sendTags } from './tag-sender.ts';

export interface KillRoundsOptions {
  readonly dataDirectory: string;
  readonly rounds: number;
  /** Numbers in [0, 1): chooses the moments of the kills. */
  readonly random: () => number;
  /** A round sends for a random time up to this, milliseconds, before the kill. */
  readonly longestMs: number;
  readonly connections: number;
  readonly batchConnections: number;
  readonly log: (line: string) => void;
}

export interface KillRoundsResult extends Verdict {
  readonly sent: number;
  /** From spawn until ready, per start after a kill, milliseconds. */
  readonly restartsMs: readonly number[];
}

/** Starts the platform, sends tags, kills it with SIGKILL in the middle, `rounds` times; then compares every tag. */
export async function killRounds(options: KillRoundsOptions): Promise<KillRoundsResult> {
  const { dataDirectory, rounds, random, longestMs, connections, batchConnections, log } = options;
  const oracle = new TagOracle();
  const restartsMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const millrace = await startMillrace({ dataDirectory });
    if (round > 1) restartsMs.push(millrace.readyAfterMs);
    const sending = sendTags({
      url: millrace.url,
      oracle,
      connections,
      batchConnections,
      signal: new AbortController().signal,
    });
    const afterMs = Math.round(random() * longestMs);
    await sleep(afterMs);
    await millrace.kill();
    await sending;
    log(`round ${round}: killed after ${afterMs} ms, ${oracle.acknowledged} of ${oracle.sent} tags acknowledged`);
  }
  const millrace = await startMillrace({ dataDirectory });
  restartsMs.push(millrace.readyAfterMs);
  try {
    await caughtUp(millrace.url);
    return { ...(await oracle.compare(queryOf(millrace.url))), sent: oracle.sent, restartsMs };
  } finally {
    await millrace.stop();
  }
}

/** Resolves when the state has all that is in the log. */
export async function caughtUp(url: string, timeoutMs = 60_000): Promise<void> {
  const query = queryOf(url);
  const deadline = performance.now() + timeoutMs;
  // The lag is sampled ten times a second: what came just now may not be in it yet.
  await sleep(250);
  for (;;) {
    const { lag } = (await query('/admin/status')) as { lag: { records: number } };
    if (lag.records === 0) return;
    if (performance.now() > deadline) throw new Error(`${lag.records} records are not processed after ${timeoutMs} ms`);
    await sleep(20);
  }
}

/** Queries by GET, which must be answered 200. */
export const queryOf =
  (url: string): Query =>
  async (path) => {
    const response = await fetch(new URL(path, url));
    const body = await response.text();
    if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${body}`);
    return JSON.parse(body);
  };
