import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startMillrace } from '@millrace/testkit';
import type { Proof, ProofContext } from '../proof.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const FIRST_LIMIT_MS = 180_000;
const AGAIN_LIMIT_MS = 5_000;

/** A new user's first minutes: clone, `npm start`, and once more. */
export const proof: Proof = {
  name: 'fresh-clone',
  title: 'a fresh clone with an empty npm cache is ready in under 3 minutes, a second start in under 5 s',
  async run(context) {
    return context.size === 'full' ? fromClone(context) : again(context);
  },
};

async function fromClone({ workDirectory, log }: ProofContext) {
  const clone = join(workDirectory, 'clone');
  await promisify(execFile)('git', ['clone', '--quiet', CHECKOUT, clone]);
  const env = { ...process.env, npm_config_cache: join(workDirectory, 'npm-cache'), CI: 'true' };
  log('npm start in a fresh clone, with an empty npm cache');
  const first = await npmStart(clone, env, FIRST_LIMIT_MS);
  log('npm start again');
  const second = await npmStart(clone, env, FIRST_LIMIT_MS);
  return {
    passed: first < FIRST_LIMIT_MS && second < AGAIN_LIMIT_MS,
    figures: { 'ready after the first start, s': seconds(first), 'ready after the second, s': seconds(second) },
  };
}

async function again({ workDirectory }: ProofContext) {
  const dataDirectory = join(workDirectory, 'data');
  const first = await startMillrace({ dataDirectory });
  await first.stop();
  const second = await startMillrace({ dataDirectory });
  await second.stop();
  return {
    passed: second.readyAfterMs < AGAIN_LIMIT_MS,
    figures: { 'ready after the second start, s': seconds(second.readyAfterMs) },
  };
}

const seconds = (ms: number): number => Number((ms / 1000).toFixed(1));

/** Milliseconds from `npm start` until `/ready` answers 200; then stops it. */
async function npmStart(directory: string, env: NodeJS.ProcessEnv, limitMs: number): Promise<number> {
  const startedAt = performance.now();
  // A process group of its own: npm, its shell and the platform are stopped together.
  const child = spawn('npm', ['start', '--', '--port', '0'], { cwd: directory, env, detached: true, stdio: 'ignore' });
  const gone = once(child, 'exit');
  try {
    while (performance.now() - startedAt < limitMs) {
      if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}`);
      if (await ready(join(directory, '.millrace', 'owner.json'))) break;
      await sleep(20);
    }
    return performance.now() - startedAt;
  } finally {
    process.kill(-child.pid!, 'SIGTERM');
    await gone;
  }
}

async function ready(ownerFile: string): Promise<boolean> {
  const text = await readFile(ownerFile, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const { url } = JSON.parse(text) as { url: string };
  const response = await fetch(new URL('/ready', url)).catch(() => undefined);
  return response?.status === 200;
}
