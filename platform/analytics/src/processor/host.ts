import { MessageChannel, Worker } from 'node:worker_threads';
import { MillraceError, type ErrorCode, type EventLog, type Logger, type StateReader } from '@millrace/core';
import type { Command, Report, WorkerSettings } from './messages.ts';
import { portChannel } from './port-channel.ts';
import { pause } from './pause.ts';
import type { Progress } from './processor.ts';

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

const BACK_OFF_MS = { first: 100, longest: 5000 };
/** A worker that ran this long has earned a quick restart. */
const STABLE_AFTER_MS = 10_000;
/** After the drain: time to sync the state and to end. */
const END_MS = 2000;

/** What no restart can heal: settings that do not fit the data, or data that someone else has taken over. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'CONNECTOR_NOT_INSTALLED',
  'DATA_DIRECTORY_VERSION',
  'INVALID_OPTION',
  'NOT_SUPPORTED',
  // The state is ahead of the log, which someone has removed or restored: going on would skip what comes in now.
  'OFFSET_OUT_OF_RANGE',
  'PARTITIONS_MISMATCH',
  'SCHEMA_MISMATCH',
  'STALE_OWNER',
  'STATE_CORRUPT',
  'UNKNOWN_SCHEME',
]);

export interface ProcessorHostDependencies {
  readonly log: EventLog;
  readonly logger: Logger;
  /** Asked to recover the state after a worker could not write it. */
  readonly state?: Pick<StateReader, 'recover'>;
}

export interface ProcessorHostOptions {
  readonly logUrl: string;
  readonly stateUrl: string;
  readonly state: WorkerSettings['state'];
  readonly group: string;
}

/** The main thread's side of the processor: keeps one worker thread running. */
export interface ProcessorHost {
  /** Resolves when the worker applies events. Rejects with its error if the first one cannot start. */
  start(): Promise<void>;
  /** Applies what is durable by now, for at most so long, and ends the worker. */
  stop(drainMs: number): Promise<void>;
  /** Totals over all workers since `start`. */
  progress(): Progress;
  /** How many workers were started because one had died. */
  restarts(): number;
  /** Rejects when a worker died of something that a restart cannot heal. */
  readonly failed: Promise<never>;
  /** Lets the worker apply nothing until `resume`: for tests and maintenance. */
  pause(): void;
  resume(): void;
  /** Ends the worker as a crash would: for tests. */
  crash(): Promise<void>;
}

export function createProcessorHost(
  dependencies: ProcessorHostDependencies,
  options: ProcessorHostOptions,
): ProcessorHost {
  return new WorkerHost(dependencies, options);
}

interface RunningWorker {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  /** With the error it reported, if any, and its exit code. */
  readonly ended: Promise<{ error: MillraceError | undefined; code: number }>;
}

class WorkerHost implements ProcessorHost {
  readonly failed: Promise<never>;
  private readonly dependencies: ProcessorHostDependencies;
  private readonly options: ProcessorHostOptions;
  private readonly failure = Promise.withResolvers<never>();
  private readonly stopping = new AbortController();
  private running: RunningWorker | undefined;
  private keeping: Promise<void> | undefined;
  private restartCount = 0;
  private paused = false;
  private current: Progress;
  private before: Progress;

  constructor(dependencies: ProcessorHostDependencies, options: ProcessorHostOptions) {
    this.dependencies = dependencies;
    this.options = options;
    // Whoever does not look at `failed` still sees the log line.
    this.failed = this.failure.promise;
    this.failed.catch((error: unknown) => dependencies.logger.error({ err: error }, 'the processor has failed'));
    const committed = Array.from<undefined>({ length: dependencies.log.partitions });
    this.before = { applied: 0, redelivered: 0, duplicates: 0, late: 0, deadLetters: 0, committed };
    this.current = this.before;
  }

  async start(): Promise<void> {
    const first = this.launch();
    await first.ready;
    this.keeping = this.keep(first);
  }

  async stop(drainMs: number): Promise<void> {
    this.stopping.abort();
    this.send({ type: 'stop', drainMs });
    const ended = new AbortController();
    const watching = this.terminateAfter(drainMs + END_MS, ended.signal);
    // A first worker that is still starting is not kept yet.
    await (this.keeping ?? this.running?.ended);
    ended.abort();
    await watching;
  }

  progress(): Progress {
    return this.current;
  }

  restarts(): number {
    return this.restartCount;
  }

  pause(): void {
    this.paused = true;
    this.send({ type: 'pause' });
  }

  resume(): void {
    this.paused = false;
    this.send({ type: 'resume' });
  }

  async crash(): Promise<void> {
    await this.running?.worker.terminate();
  }

  private send(command: Command): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.running?.worker.postMessage(command);
  }

  private async terminateAfter(ms: number, ended: AbortSignal): Promise<void> {
    if (!(await pause(ms, ended))) return;
    this.dependencies.logger.warn('the processor did not end in time; the next start continues where it stood');
    await this.running?.worker.terminate();
  }

  /** Restarts workers until one fails for good or `stop` is called. */
  private async keep(first: RunningWorker): Promise<void> {
    const { logger } = this.dependencies;
    let waitMs = BACK_OFF_MS.first;
    let startedAt = performance.now();
    for (let running = first; ; running = this.launch()) {
      const { error, code } = await running.ended;
      this.before = this.current;
      if (this.stopping.signal.aborted) return;
      if (error !== undefined && FINAL.has(error.code)) {
        this.failure.reject(error);
        return;
      }
      if (performance.now() - startedAt > STABLE_AFTER_MS) waitMs = BACK_OFF_MS.first;
      logger.error({ err: error, exitCode: code, restartInMs: waitMs }, 'the processor has died and is started again');
      do {
        if (!(await pause(waitMs, this.stopping.signal))) return;
        waitMs = Math.min(2 * waitMs, BACK_OFF_MS.longest);
      } while (!(await this.recovered(error)));
      startedAt = performance.now();
      this.restartCount++;
    }
  }

  /** Whether a new worker can write the state, after one that ended with this error. */
  private async recovered(ending: MillraceError | undefined): Promise<boolean> {
    if (ending?.code !== 'STORE_FAILED') return true;
    const { state, logger } = this.dependencies;
    try {
      await state?.recover?.();
      return true;
    } catch (error) {
      logger.warn({ err: error }, 'the state cannot be written yet; tags wait in the log');
      return false;
    }
  }

  private launch(): RunningWorker {
    const { log, logger } = this.dependencies;
    const { port1, port2 } = new MessageChannel();
    const channel = portChannel(port1);
    log.serve?.(channel);
    const settings: WorkerSettings = {
      ...this.options,
      logPort: port2,
      logLevel: logger.level as WorkerSettings['logLevel'],
    };
    const worker = new Worker(new URL(`./worker${extension()}`, import.meta.url), {
      name: 'processor',
      workerData: settings,
      transferList: [port2],
    });
    const ready = Promise.withResolvers<void>();
    let reported: MillraceError | undefined;
    worker.on('message', (report: Report) => {
      if (report.type === 'ready') ready.resolve();
      else if (report.type === 'progress') this.add(report.progress);
      else if (report.type === 'log') forward(report.line, this.dependencies.logger);
      else reported = new MillraceError(report.code, report.message);
    });
    worker.on('error', (error) => {
      reported = new MillraceError('INTERNAL', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    });
    const ended = new Promise<{ error: MillraceError | undefined; code: number }>((resolve) => {
      worker.once('exit', (code) => {
        channel.close();
        ready.reject(reported ?? new MillraceError('INTERNAL', `the processor ended with ${code} before it was ready`));
        resolve({ error: reported, code });
      });
    });
    // Only the first start is waited for; `ended` tells about the others.
    ready.promise.catch(() => undefined);
    this.running = { worker, ready: ready.promise, ended };
    if (this.paused) this.send({ type: 'pause' });
    return this.running;
  }

  private add(progress: Progress): void {
    const { before } = this;
    this.current = {
      applied: before.applied + progress.applied,
      redelivered: before.redelivered + progress.redelivered,
      duplicates: before.duplicates + progress.duplicates,
      late: before.late + progress.late,
      deadLetters: before.deadLetters + progress.deadLetters,
      committed: progress.committed,
    };
  }
}

/** Writes a log line of the worker as the main thread's own, so that both look alike and go to one place. */
function forward(line: string, logger: Logger): void {
  const {
    level,
    name,
    msg,
    time: _,
    ...fields
  } = JSON.parse(line) as { level: Level; name: string; msg?: string; time: string };
  logger.child({ name })[level](fields, msg);
}

/** Sources run as `.ts`, a build as `.js`. */
const extension = (): string => (import.meta.url.endsWith('.ts') ? '.ts' : '.js');
