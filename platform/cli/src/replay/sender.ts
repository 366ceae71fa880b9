import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError, hasCode } from '@millrace/core';
import type { Answer, PlatformClient } from '../platform-client.ts';
import { errorOf } from '../platform-client.ts';
import type { Chunk, LineError } from './chunk.ts';

/** What `/user_tags/batch` answers. */
interface BatchAnswer {
  readonly accepted: number;
  readonly rejectedCount: number;
  readonly rejected: readonly { readonly line: number; readonly error: { readonly message: string } }[];
}

export interface ChunkResult {
  readonly accepted: number;
  readonly rejected: number;
  /** With the lines of the input; not all of them when there are very many. */
  readonly errors: readonly LineError[];
}

const RETRY_FOR_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Sends a chunk until the platform has answered for every line of it. It can be repeated as often as needed: lines
 * with a key that was seen before are not counted again.
 *
 * @throws the platform's error when it refuses the chunk as a whole, or is out of order for a minute
 */
export async function sendChunk(
  platform: PlatformClient,
  chunk: Chunk,
  key: string,
  signal: AbortSignal,
): Promise<ChunkResult> {
  if (chunk.tags === 0) return { accepted: 0, rejected: chunk.errors.length, errors: chunk.errors };
  const until = performance.now() + RETRY_FOR_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const outcome = await attempt(platform, chunk, key);
    if (!(outcome instanceof MillraceError)) return resultOf(chunk, JSON.parse(outcome.text) as BatchAnswer);
    if (!outcome.retry || performance.now() > until || signal.aborted) throw outcome;
    await sleep(pause);
  }
}

async function attempt(platform: PlatformClient, chunk: Chunk, key: string): Promise<Answer | MillraceError> {
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': key };
  try {
    const answer = await platform.send('POST', '/user_tags/batch', { body: chunk.body, headers });
    return answer.status === 200 ? answer : errorOf(answer, platform.url);
  } catch (error) {
    if (hasCode(error, 'NOT_RUNNING')) return error;
    throw error;
  }
}

function resultOf(chunk: Chunk, { accepted, rejectedCount, rejected }: BatchAnswer): ChunkResult {
  const refused = rejected.map(({ line, error }) => ({ line: chunk.lineOf(line), message: error.message }));
  const errors = [...chunk.errors, ...refused].toSorted((a, b) => a.line - b.line);
  return { accepted, rejected: rejectedCount + chunk.errors.length, errors };
}
