import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The program of the `millrace` command of this checkout, without what its first line sets. */
export const MILLRACE_MAIN = fileURLToPath(new URL('../../platform/cli/src/main.ts', import.meta.url));

/** As `npm start` and the service units run it: its first line says how Node.js deals with memory. */
const MILLRACE_COMMAND = fileURLToPath(new URL('../../platform/cli/bin/millrace.mjs', import.meta.url));

/** A start takes a second; on a machine that runs other tests besides, half a minute was not enough. */
const READY_TIMEOUT_MS = 90_000;

export interface StartOptions {
  readonly dataDirectory: string;
  /** Further arguments of `up`, such as `['--retention', '3y']`. */
  readonly arguments?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A fixed port, to start again where clients expect it. Default: a free one. */
  readonly port?: number;
  /** Default 90 s. */
  readonly readyTimeoutMs?: number;
}

/** A `millrace` command that runs until it is told to stop, in a process of its own, so that it can be killed. */
export interface RunningCommand {
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code and how long it took. */
  stop(): Promise<{ code: number | null; ms: number }>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** `millrace up`. */
export interface MillraceProcess extends RunningCommand {
  readonly url: string;
  /** From spawn until `/ready` answered 200, milliseconds. */
  readonly readyAfterMs: number;
}

/** Starts `millrace up` and resolves when it is ready. @throws an Error with its output when it ends or hangs before */
export async function startMillrace(options: StartOptions): Promise<MillraceProcess> {
  const startedAt = performance.now();
  const { dataDirectory, port = 0, arguments: more = [], env = {} } = options;
  const { child, command } = spawnCommand(['up', '--data', dataDirectory, '--port', String(port), ...more], env);
  try {
    const url = await readyUrl(child, options, startedAt, command.output);
    return { ...command, url, readyAfterMs: performance.now() - startedAt };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** A part of a platform whose log and state are shared, on a free port. */
export interface RoleProcess extends RunningCommand {
  /** Where it answers: everything, or health and figures only. */
  readonly url: string;
}

/**
 * Starts `millrace frontend` or `millrace processor`, and resolves when it says where it answers.
 *
 * @param more arguments, such as `['--log', 'kafka://...', '--state', 'redis://...']`
 * @throws an Error with its output when it ends or hangs before
 */
export async function startRole(
  role: 'frontend' | 'processor',
  more: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RoleProcess> {
  const startedAt = performance.now();
  const { child, command } = spawnCommand([role, '--port', '0', ...more], env);
  while (performance.now() - startedAt < READY_TIMEOUT_MS && child.exitCode === null && child.signalCode === null) {
    // The end of the line, because output comes in pieces.
    const url = new RegExp(String.raw`^millrace ${role} (?:is running|has started).* at (http\S+)\n`, 'm').exec(
      command.output(),
    )?.[1];
    if (url !== undefined) return { ...command, url };
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new Error(`millrace ${role} did not start:\n${command.output()}`);
}

function spawnCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { readonly child: ChildProcess; readonly command: RunningCommand } {
  // By this Node.js, which need not be the one that a shell finds.
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const child = spawn(MILLRACE_COMMAND, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path, NO_COLOR: '1', ...env },
  });
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  // Not its exit: some of its output may come after that.
  const gone = once(child, 'close');
  const command: RunningCommand = {
    pid: child.pid!,
    output: () => chunks.join(''),
    async stop() {
      const stoppedAt = performance.now();
      child.kill('SIGTERM');
      await gone;
      return { code: child.exitCode, ms: performance.now() - stoppedAt };
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
  return { child, command };
}

async function readyUrl(
  child: ChildProcess,
  options: StartOptions,
  startedAt: number,
  output: () => string,
): Promise<string> {
  const limit = options.readyTimeoutMs ?? READY_TIMEOUT_MS;
  while (performance.now() - startedAt < limit) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`millrace up ended with ${child.exitCode ?? child.signalCode}:\n${output()}`);
    }
    const url = await ownerUrl(options.dataDirectory, child.pid);
    if (url !== undefined && (await answersReady(url))) return url;
    await sleep(10);
  }
  throw new Error(`millrace up was not ready within ${limit} ms:\n${output()}`);
}

/** The address in the owner file, once this process has written it. */
async function ownerUrl(dataDirectory: string, pid: number | undefined): Promise<string | undefined> {
  const text = await readFile(join(dataDirectory, 'owner.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const owner = JSON.parse(text) as { pid: number; url: string };
  return owner.pid === pid ? owner.url : undefined;
}

async function answersReady(url: string): Promise<boolean> {
  const response = await fetch(new URL('/ready', url)).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status === 200;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Runs a `millrace` command to its end. */
export async function runMillrace(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly onStderr?: (text: string) => void } = {},
): Promise<CommandResult> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [MILLRACE_MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    options.onStderr?.(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr, ms: performance.now() - startedAt };
}
