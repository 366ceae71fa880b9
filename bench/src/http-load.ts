import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { closedLoop } from './closed-loop.ts';
import type { LoadResult } from './load-result.ts';

/** wrk counts an answer as failed after two seconds by itself, which a busy machine may take. */
const PATIENCE = '30s';
const WRK_SCRIPT = fileURLToPath(new URL('load.lua', import.meta.url));

export interface LoadOptions {
  readonly url: string;
  /** File of request bodies, one a line, sent in turn; a tab stands for a line feed within a body. */
  readonly bodies: string;
  readonly contentType: string;
  readonly connections: number;
  readonly seconds: number;
}

export type LoadGenerator = 'wrk' | 'built-in';

/** `wrk` where it is installed (Debian package `wrk`), else a generator of our own, which costs more CPU. */
export function loadGenerator(): LoadGenerator {
  try {
    execFileSync('sh', ['-c', 'command -v wrk']);
    return 'wrk';
  } catch (error) {
    if ((error as { status?: number }).status === undefined) throw error;
    return 'built-in';
  }
}

/** Posts as fast as the answers come: each connection sends its next request when it has the answer to the last. */
export async function runLoad(generator: LoadGenerator, options: LoadOptions): Promise<LoadResult> {
  if (generator === 'wrk') return runWrk(options);
  const lines = (await readFile(options.bodies, 'utf8')).trimEnd().split('\n');
  const bodies = lines.map((line) => line.replaceAll('\t', '\n'));
  return closedLoop({ ...options, url: new URL(options.url), bodies });
}

async function runWrk({ url, bodies, contentType, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const { stdout } = await promisify(execFile)(
    'wrk',
    ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', PATIENCE, '-s', WRK_SCRIPT, url],
    { env: { ...process.env, LOAD_BODIES: bodies, LOAD_PATH: new URL(url).pathname, LOAD_TYPE: contentType } },
  );
  const result = /^RESULT (?<json>.*)$/m.exec(stdout)?.groups?.['json'];
  if (result === undefined) throw new Error(`wrk gave no result:\n${stdout}`);
  return JSON.parse(result) as LoadResult;
}
