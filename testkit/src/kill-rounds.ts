import { setTimeout as sleep } from 'node:timers/promises';
import { startMillrace } from './millrace-process.ts';
import { TagOracle, type Verdict } from './tag-oracle.ts';
import { caughtUp, queryOf } from './platform-status.ts';
import { firstAcknowledged, sendTags } from './tag-sender.ts';

export interface KillRoundsOptions {
  readonly dataDirectory: string;
  readonly rounds: number;
  /** Numbers in [0, 1): chooses the moments of the kills. */
  readonly random: () => number;
  /** A round sends for a random time up to this, milliseconds, before the kill; the last one until one was acknowledged. */
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
    if (round === rounds) await firstAcknowledged(oracle, sending);
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
