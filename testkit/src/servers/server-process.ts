import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from './wait-until.ts';

/** For the busiest machine. */
const READY_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;
const LOG_TAIL_CHARS = 4_000;

/** What every server of this folder can do besides serving. All methods may be called again, to no further effect. */
export interface ServerControl {
  /** Of the process that runs now; another one after a restart. */
  readonly pid: number;
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Ends the process, SIGKILL by default, and resolves when it is gone. Port and data are kept for `restart`. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Ends the process by SIGTERM if it still runs, and starts it on the same port and data; resolves when it is ready. */
  restart(): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
  /** All that it has printed, until `stop`. */
  output(): string;
}

export interface ServerCommand {
  /** For messages, and for the name of the data directory. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** True once it serves; asked again until then. A rejection counts as not yet. */
  readonly ready: () => Promise<boolean>;
  /** Default 90 s. */
  readonly readyTimeoutMs?: number;
}

/** A directory for one server's data under the system's temporary directory; `stop` removes it. */
export function serverDirectory(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `millrace-${name}-`));
}

/**
 * Starts a server in `directory` and resolves when it is ready. The process and its directory go when this process ends,
 * however it ends.
 *
 * @throws Error with the end of its output when it ends or hangs before it is ready
 */
export async function startServer(directory: string, command: ServerCommand): Promise<ServerControl> {
  const server = new Server(directory, command);
  try {
    await server.restart();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements ServerControl {
  readonly #directory: string;
  readonly #command: ServerCommand;
  readonly #log: string;
  #child: ChildProcess | undefined;
  #gone: Promise<unknown> = Promise.resolve();

  constructor(directory: string, command: ServerCommand) {
    this.#directory = directory;
    this.#command = command;
    this.#log = join(directory, 'output.log');
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#command.name} has never been started`);
    return pid;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    child.kill(signal);
    // A paused process takes SIGTERM only once it goes on.
    child.kill('SIGCONT');
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#gone;
    clearTimeout(impatience);
  }

  async restart(): Promise<void> {
    await this.kill('SIGTERM');
    const log = openSync(this.#log, 'a');
    const child = spawn(this.#command.command, this.#command.arguments, {
      cwd: this.#directory,
      env: { ...process.env, ...this.#command.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const gone = once(child, 'exit');
    // Without a process there is an error event, which rejects here.
    if (child.pid === undefined) await gone;
    this.#child = child;
    const release = guard(child.pid!, this.#directory);
    this.#gone = gone.then(release);
    await this.#becomeReady(child);
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }

  output(): string {
    return readFileSync(this.#log, 'utf8');
  }

  async #becomeReady(child: ChildProcess): Promise<void> {
    const { name, ready, readyTimeoutMs = READY_TIMEOUT_MS } = this.#command;
    try {
      await waitUntil(`${name} is ready`, readyTimeoutMs, async () => hasEnded(child) || (await ready()));
    } catch (error) {
      throw new Error(`${messageOf(error)}:\n${this.#tail()}`, { cause: error });
    }
    if (!hasEnded(child)) return;
    throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode} at its start:\n${this.#tail()}`);
  }

  #tail(): string {
    return this.output().slice(-LOG_TAIL_CHARS);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/**
 * Watches over a server from a process of its own: when this process ends without a word, its end of the pipe closes, and
 * the guard kills the server and removes its directory. In a session of its own, so that Ctrl-C does not end it first.
 *
 * @returns what lets the guard go, once the server has ended
 */
function guard(pid: number, directory: string): () => Promise<void> {
  const script = 'read -r word || { kill -KILL "$1"; rm -rf "$2"; }';
  const child = spawn('/bin/sh', ['-c', script, 'guard', String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const gone = once(child, 'exit');
  child.unref();
  return async () => {
    child.ref();
    child.stdin.end('released\n');
    await gone;
  };
}
