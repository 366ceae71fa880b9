import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The `millrace` command of this checkout. */
export const MILLRACE_MAIN = fileURLToPath(new URL('../../platform/cli/src/main.ts', import.meta.url));

/** As `npm start` and the installed command run it: a bounded young generation. */
const NODE_FLAGS = ['--max-semi-space-size=16'];

export interface StartOptions {
  readonly dataDirectory: string;
  /** Further arguments of `up`, such as `['--retention', '3y']`. */
  readonly arguments?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A fixed port, to start again where clients expect it. Default: a free one. */
  readonly port?: number;
  /** Default 30 s. */
  readonly readyTimeoutMs?: number;
}

/** `millrace up` in a process of its own, so that it can be killed. */
export interface MillraceProcess {
  readonly url: string;
  readonly pid: number;
  /** From spawn until `/ready` answered 200, milliseconds. */
  readonly readyAfterMs: number;
  /** All it has printed so far. */
  output(): string;
  /** SIGTERM; resolves with the exit code and how long it took. */
  stop(): Promise<{ code: number | null; ms: number }>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Starts `millrace up` and resolves when it is ready. @throws an Error with its output when it ends or hangs before */
export async function startMillrace(options: StartOptions): Promise<MillraceProcess> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...NODE_FLAGS,
      MILLRACE_MAIN,
      'up',
      '--data',
      options.dataDirectory,
      '--port',
      String(options.port ?? 0),
      ...(options.arguments ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...options.env } },
  );
  const chunks: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  const output = (): string => chunks.join('');
  const gone = once(child, 'exit');
  try {
    const url = await readyUrl(child, options, startedAt, output);
    return {
      url,
      pid: child.pid!,
      readyAfterMs: performance.now() - startedAt,
      output,
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
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function readyUrl(
  child: ChildProcess,
  options: StartOptions,
  startedAt: number,
  output: () => string,
): Promise<string> {
  const limit = options.readyTimeoutMs ?? 30_000;
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
