import { hasCode, toMillraceError } from '@millrace/core';
import { EXIT } from './command.ts';
import type { Terminal } from './terminal.ts';

/** A stop may take five seconds; half a second of them is for ending the process. */
const STOP_DEADLINE_MS = 4500;

/** What runs until it is told to stop. */
export interface Service<T> {
  start(): Promise<T>;
  stop(): Promise<void>;
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>;
}

export interface ServiceHooks<T> {
  readonly terminal: Terminal;
  readonly interrupted: AbortSignal;
  /** Once it runs; what it returns is called before the stop. */
  started(result: T): Promise<() => Promise<void>>;
  /** After the stop, also when that took too long. */
  stopped?(): Promise<void>;
}

/** Runs a service until the user interrupts it or it fails; resolves with the exit code. */
export async function runService<T>(service: Service<T>, hooks: ServiceHooks<T>): Promise<number> {
  const { terminal, interrupted } = hooks;
  const interruption = aborted(interrupted);
  const starting = service.start();
  let failure: unknown;
  try {
    // A start may wait for a backend that is away; the stop ends that, too.
    await Promise.race([starting, interruption]);
    if (!interrupted.aborted) {
      const leave = await hooks.started(await starting);
      await Promise.race([interruption, service.failed]).catch((error: unknown) => (failure = error));
      await leave();
    }
  } catch (error) {
    // Also a failed start may hold something.
    await stop(service, hooks);
    throw error;
  }
  terminal.note('Stopping: finishing what was accepted.');
  const inTime = await stop(service, hooks);
  // What hangs in a start is not waited for twice.
  if (inTime) {
    await starting.catch((error: unknown) => {
      if (!hasCode(error, 'CANCELLED')) failure ??= error;
    });
  }
  if (failure !== undefined) throw toMillraceError(failure);
  if (!inTime) terminal.note('The deadline of the stop has passed. Nothing accepted is lost: the next start goes on.');
  return EXIT.ok;
}

/** Whether everything was closed before the deadline. */
async function stop<T>(service: Service<T>, hooks: ServiceHooks<T>): Promise<boolean> {
  const timedOut = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timedOut.resolve(false), STOP_DEADLINE_MS);
  try {
    return await Promise.race([service.stop().then(() => true), timedOut.promise]);
  } finally {
    clearTimeout(timer);
    await hooks.stopped?.();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
