import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { delimiter, join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startMillrace } from '@millrace/testkit';
import type { Proof, ProofContext } from '../proof.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const FIRST_LIMIT_MS = 180_000;
const AGAIN_LIMIT_MS = 5_000;

/** A new user's first minutes: clone, `npm start`, once more, `npm test`. */
export const proof: Proof = {
  name: 'fresh-clone',
  title: 'a fresh clone with an empty npm cache is ready in under 3 minutes, again in under 5 s, and passes its tests',
  async run(context) {
    return context.size === 'full' ? fromClone(context) : again(context);
  },
};

async function fromClone(context: ProofContext) {
  const { workDirectory, log } = context;
  const clone = join(workDirectory, 'clone');
  await promisify(execFile)('git', ['clone', '--quiet', CHECKOUT, clone]);
  const env = newcomersEnvironment(join(workDirectory, 'npm-cache'));
  log('npm start in a fresh clone, with an empty npm cache');
  const first = await npmStart(clone, env, context);
  log('npm start again');
  const second = await npmStart(clone, env, context);
  log('npm test, which takes minutes');
  const tests = await npmTest(clone, env, context);
  return {
    passed: first.ms < FIRST_LIMIT_MS && second.ms < AGAIN_LIMIT_MS && tests.code === 0,
    figures: {
      'ready after the first start, s': seconds(first.ms),
      'of it, installing packages, s': Number(/packages installed in (\d+) s/.exec(first.output)?.[1]),
      'ready after the second, s': seconds(second.ms),
      'npm test, s': seconds(tests.ms),
      'npm test': tests.lastLine,
    },
  };
}

async function again({ workDirectory }: ProofContext) {
  const dataDirectory = join(workDirectory, 'data');
  const first = await startMillrace({ dataDirectory });
  await first.stop();
  const second = await startMillrace({ dataDirectory });
  await second.stop();
  return {
    // One that is not ready at all is an error; the time is a promise for a machine that runs no other tests.
    passed: true,
    figures: { 'ready after the second start, s': seconds(second.readyAfterMs) },
  };
}

const seconds = (ms: number): number => Number((ms / 1000).toFixed(1));

/** This environment without what npm and this checkout have added to it: their Node is not the newcomer's. */
function newcomersEnvironment(npmCache: string): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) && name !== 'NODE');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes(`${sep}node_modules`));
  return { ...Object.fromEntries(entries), PATH: path.join(delimiter), npm_config_cache: npmCache, CI: 'true' };
}

interface Started {
  /** From `npm start` until `/ready` answered 200, or until the time was over. */
  readonly ms: number;
  readonly output: string;
}

/** Starts the platform as its users do, and stops it when it is ready. */
async function npmStart(clone: string, env: NodeJS.ProcessEnv, context: ProofContext): Promise<Started> {
  const npm = await startNpm(['start', '--', '--port', '0'], clone, env, context);
  const startedAt = performance.now();
  let ms = 0;
  try {
    do {
      if (npm.child.exitCode !== null) throw new Error(`npm start ended with ${npm.child.exitCode}: see ${npm.log}`);
      await sleep(20);
      ms = performance.now() - startedAt;
    } while (ms < FIRST_LIMIT_MS && !(await ready(join(clone, '.millrace', 'owner.json'))));
  } finally {
    await npm.stop();
  }
  return { ms, output: await readFile(npm.log, 'utf8') };
}

async function npmTest(clone: string, env: NodeJS.ProcessEnv, context: ProofContext) {
  const startedAt = performance.now();
  const npm = await startNpm(['test'], clone, env, context);
  await npm.gone;
  const lines = (await readFile(npm.log, 'utf8')).trimEnd().split('\n');
  return { code: npm.child.exitCode, ms: performance.now() - startedAt, lastLine: lines.at(-1) ?? '' };
}

/** Runs npm with its output in a file, which stays for a look when the proof fails. */
async function startNpm(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  { workDirectory, signal }: ProofContext,
) {
  const log = join(workDirectory, `npm-${args[0]}.log`);
  const output = await open(log, 'a');
  // A process group of its own: npm, its shell and the platform are stopped together.
  const child = spawn('npm', args, { cwd, env, detached: true, stdio: ['ignore', output.fd, output.fd] });
  const gone = once(child, 'exit');
  const terminate = (): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGTERM');
  };
  signal.addEventListener('abort', terminate, { once: true });
  void gone.finally(() => signal.removeEventListener('abort', terminate));
  await output.close();
  return {
    child,
    log,
    gone,
    stop: async (): Promise<void> => {
      terminate();
      await gone;
    },
  };
}

async function ready(ownerFile: string): Promise<boolean> {
  const text = await readFile(ownerFile, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const { url } = JSON.parse(text) as { url: string };
  const response = await fetch(new URL('/ready', url)).catch(() => undefined);
  return response?.status === 200;
}
