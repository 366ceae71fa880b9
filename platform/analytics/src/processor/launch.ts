import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { EventLog } from '@millrace/core';
import { portChannel, processChannel } from './channels.ts';
import { isOurs, type Command, type Report, type ThreadSettings, type WorkerSettings } from './messages.ts';

/** A processor in another thread or process, as its host sees it. */
export interface LaunchedProcessor {
  send(command: Command): void;
  onReport(listener: (report: Report) => void): void;
  /** Ends it at once, as a crash would. */
  terminate(): Promise<void>;
  /** When it is gone: its exit code, and what brought it down where it could not report that. */
  readonly exited: Promise<{ readonly code: number | null; readonly error?: Error }>;
}

/** The log is served to it where nobody but its owner can open it. */
export type Launch = (settings: Omit<WorkerSettings, 'logServed'>, log: Pick<EventLog, 'serve'>) => LaunchedProcessor;

/** A young generation grows to the size of what a busy moment allocates, 130 MB and more, and stays there. No slower. */
const YOUNG_GENERATION_MB = 16;

/** For a state that threads can share. */
export const launchThread: Launch = (settings, log) => {
  const ports = log.serve === undefined ? undefined : new MessageChannel();
  const logChannel = ports === undefined ? undefined : portChannel(ports.port1);
  if (logChannel !== undefined) log.serve?.(logChannel);
  const worker = new Worker(entry('worker'), {
    name: 'processor',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    workerData: { ...settings, logServed: ports !== undefined, logPort: ports?.port2 } satisfies ThreadSettings,
    transferList: ports === undefined ? [] : [ports.port2],
  });
  let failure: Error | undefined;
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  return {
    send(command) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      worker.postMessage(command);
    },
    onReport(listener) {
      worker.on('message', listener);
    },
    async terminate() {
      await worker.terminate();
    },
    exited: new Promise((resolve) => {
      worker.once('exit', (code) => {
        logChannel?.close();
        resolve(failure === undefined ? { code } : { code, error: failure });
      });
    }),
  };
};

/** For any other state: some clients (Aerospike's) cannot live in a worker thread. */
export const launchChild: Launch = (settings, log) => {
  const child = fork(fileURLToPath(entry('child')), [], { serialization: 'advanced' });
  const channel = processChannel(child);
  log.serve?.(channel);
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const exited = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once('close', (code) => resolve(failure === undefined ? { code } : { code, error: failure }));
  });
  channel.post({ type: 'start', settings: { ...settings, logServed: log.serve !== undefined } } satisfies Command);
  return {
    send: (command) => channel.post(command),
    onReport(listener) {
      channel.onMessage((message) => {
        if (isOurs(message)) listener(message as Report);
      });
    },
    async terminate() {
      child.kill('SIGKILL');
      await exited;
    },
    exited,
  };
};

/** Sources run as `.ts`, a build as `.js`. */
const entry = (name: 'worker' | 'child'): URL =>
  new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
