import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentTag, TagOracle } from './tag-oracle.ts';

/** After a failure, so that an outage does not use up the tags. */
const PAUSE_MS = 10;

export interface SenderOptions {
  readonly url: string;
  readonly oracle: TagOracle;
  /** Connections that send one tag after the other. */
  readonly connections: number;
  /** Connections that send batches, and tags per batch. Default none. */
  readonly batchConnections?: number;
  readonly batchSize?: number;
  /** Go on after a request that failed, with the next tags: what it sent is in doubt. Default: its connection ends. */
  readonly goOn?: boolean;
  readonly signal: AbortSignal;
}

export interface SendResult {
  /** Requests that failed or were refused; unless `goOn`, each ended its connection. */
  readonly failures: readonly string[];
}

/**
 * Sends tags over several connections, each as fast as it is answered, until the signal aborts or the platform is gone.
 * A running request is awaited, not cut off.
 */
export async function sendTags(options: SenderOptions): Promise<SendResult> {
  const { url, oracle, connections, batchConnections = 0, batchSize = 100, goOn = false, signal } = options;
  const agent = new Agent({ keepAlive: true });
  const failures: string[] = [];
  const connection = async (path: string, type: string, size: number): Promise<void> => {
    while (!signal.aborted) {
      const tags = oracle.take(size);
      const problem = await send(new URL(path, url), agent, type, tags);
      if (problem !== undefined) {
        failures.push(problem);
        if (!goOn) return;
        await sleep(PAUSE_MS);
      } else oracle.acknowledge(tags);
    }
  };
  await Promise.all([
    ...Array.from({ length: connections }, () => connection('/user_tags', 'application/json', 1)),
    ...Array.from({ length: batchConnections }, () =>
      connection('/user_tags/batch', 'application/x-ndjson', batchSize),
    ),
  ]);
  agent.destroy();
  return { failures };
}

/** Resolves when the platform has acknowledged any tag at all, or when nothing is sent any more. */
export async function firstAcknowledged(oracle: TagOracle, sending: Promise<unknown>): Promise<void> {
  const ended = sending.then(() => true);
  while (oracle.acknowledged === 0 && !(await Promise.race([ended, sleep(PAUSE_MS, false)])));
}

/** Undefined when all tags were acknowledged, else why not. */
function send(url: URL, agent: Agent, type: string, tags: readonly SentTag[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sending = request(url, { method: 'POST', agent, headers: { 'content-type': type } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', (error) => resolve(error.message));
      answer.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const accepted =
          answer.statusCode === 204 ||
          (answer.statusCode === 200 && (JSON.parse(body) as { accepted: number }).accepted === tags.length);
        resolve(accepted ? undefined : `${answer.statusCode} ${body}`);
      });
    });
    sending.on('error', (error) => resolve(error.message));
    sending.end(tags.map(({ json }) => json).join('\n'));
  });
}
