import { setTimeout as sleep } from 'node:timers/promises';
import { caughtUp, queryOf } from './platform-status.ts';
import { startMillrace } from './millrace-process.ts';
import { freePort } from './servers/free-port.ts';
import { TagOracle, type Verdict } from './tag-oracle.ts';
import { firstAcknowledged, sendTags } from './tag-sender.ts';

export interface TerminateRoundOptions {
  readonly dataDirectory: string;
  /** How long tags are sent before the signal, milliseconds; longer if none is acknowledged by then. */
  readonly loadMs: number;
  readonly connections: number;
  readonly batchConnections: number;
}

export interface TerminateRoundResult extends Verdict {
  readonly sent: number;
  readonly exitCode: number | null;
  /** From the signal to the exit, milliseconds. */
  readonly exitMs: number;
  /** What the stopped one has printed. */
  readonly output: string;
}

/** Sends SIGTERM to the platform under load, starts it again on the same port and compares every tag. */
export async function terminateRound(options: TerminateRoundOptions): Promise<TerminateRoundResult> {
  const { dataDirectory, loadMs, connections, batchConnections } = options;
  const oracle = new TagOracle();
  // Not one of the system's choice, which it could give to a connection in between.
  const port = await freePort();
  const first = await startMillrace({ dataDirectory, port });
  const { signal } = new AbortController();
  const sending = sendTags({ url: first.url, oracle, connections, batchConnections, signal });
  await sleep(loadMs);
  await firstAcknowledged(oracle, sending);
  const { code, ms } = await first.stop();
  await sending;
  const second = await startMillrace({ dataDirectory, port });
  try {
    await caughtUp(second.url);
    const verdict = await oracle.compare(queryOf(second.url));
    return { ...verdict, sent: oracle.sent, exitCode: code, exitMs: ms, output: first.output() };
  } finally {
    await second.stop();
  }
}
