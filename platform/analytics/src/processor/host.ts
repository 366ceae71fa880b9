import { MillraceError, OngoingFailure, type EventLog, type Logger, type StateReader } from '@millrace/core';
import { isOutage, outageBackOff } from '../outage.ts';
import { pause } from '../pause.ts';
import { isFinal, STABLE_AFTER_MS } from './failures.ts';
import { launchChild, launchThread, type LaunchedProcessor } from './launch.ts';
import type { Command, Report, WorkerSettings } from './messages.ts';
import type { Progress } from './processor.ts';

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** After the drain: time to sync the state and to end. */
const END_MS = 2000;

export interface ProcessorHostDependencies {
  readonly log: EventLog;
  readonly logger: Logger;
  /** Asked to recover the state after a worker could not write it. */
  readonly state?: Pick<StateReader, 'recover'>;
}

export interface ProcessorHostOptions extends Pick<
  WorkerSettings,
  'logUrl' | 'stateUrl' | 'state' | 'group' | 'shared'
> {
  /** Threads share an embedded state; any other one has its processor in a child process. */
  readonly runAs: 'thread' | 'child';
}

/** The owner's side of the processor: keeps one worker, a thread or a process, running. */
export interface ProcessorHost {
  /** Resolves when the worker applies events. Rejects with its error if the first one cannot start. */
  start(): Promise<void>;
  /** Applies what is durable by now, for at most so long, and ends the worker. */
  stop(drainMs: number): Promise<void>;
  /** Totals over all workers since `start`. */
  progress(): Progress;
  /** Whether a worker applies events, or would if it were not paused. */
  isRunning(): boolean;
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
  readonly worker: LaunchedProcessor;
  readonly ready: Promise<void>;
  /** With the error it reported, if any, and its exit code. */
  readonly ended: Promise<{ error: MillraceError | undefined; code: number | null }>;
}

class WorkerHost implements ProcessorHost {
  readonly failed: Promise<never>;
  private readonly dependencies: ProcessorHostDependencies;
  private readonly options: ProcessorHostOptions;
  private readonly failure = Promise.withResolvers<never>();
  private readonly stopping = new AbortController();
  private readonly unwritable: OngoingFailure;
  private running: RunningWorker | undefined;
  private applying = false;
  private keeping: Promise<void> | undefined;
  private restartCount = 0;
  private paused = false;
  private current: Progress;
  private before: Progress;

  constructor(dependencies: ProcessorHostDependencies, options: ProcessorHostOptions) {
    this.dependencies = dependencies;
    this.options = options;
    this.unwritable = new OngoingFailure({
      logger: dependencies.logger,
      failing: 'the state cannot be written yet; tags wait in the log',
      over: 'the state can be written again',
    });
    // Whoever does not look at `failed` still sees the log line.
    this.failed = this.failure.promise;
    this.failed.catch((error: unknown) => dependencies.logger.error({ err: error }, 'the processor has failed'));
    const committed = Array.from<undefined>({ length: dependencies.log.partitions });
    this.before = { applied: 0, redelivered: 0, duplicates: 0, late: 0, deadLetters: 0, committed };
    this.current = this.before;
  }

  async start(): Promise<void> {
    const first = this.launch();
    await first.ready.catch((error: unknown) => {
      // The log or the state went away just now; it is waited for like later on.
      if (!isOutage(error)) throw error;
    });
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

  isRunning(): boolean {
    return this.applying;
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
    this.running?.worker.send(command);
  }

  private async terminateAfter(ms: number, ended: AbortSignal): Promise<void> {
    if (!(await pause(ms, ended))) return;
    this.dependencies.logger.warn('the processor did not end in time; the next start continues where it stood');
    await this.running?.worker.terminate();
  }

  /** Restarts workers until one fails for good or `stop` is called. */
  private async keep(first: RunningWorker): Promise<void> {
    const { logger } = this.dependencies;
    const backOff = outageBackOff();
    let startedAt = performance.now();
    for (let running = first; ; running = this.launch()) {
      const { error, code } = await running.ended;
      this.before = this.current;
      if (this.stopping.signal.aborted) return;
      if (isFinal(error)) {
        this.failure.reject(error);
        return;
      }
      if (performance.now() - startedAt > STABLE_AFTER_MS) backOff.succeeded();
      logger.error({ err: error, exitCode: code }, 'the processor has died and is started again');
      do {
        if (!(await pause(backOff.next(), this.stopping.signal))) return;
      } while (!(await this.recovered(error)));
      startedAt = performance.now();
      this.restartCount++;
    }
  }

  /** Whether a new worker can write the state, after one that ended with this error. */
  private async recovered(ending: MillraceError | undefined): Promise<boolean> {
    if (ending?.code !== 'STORE_FAILED') return true;
    try {
      await this.dependencies.state?.recover?.();
      this.unwritable.succeeded();
      return true;
    } catch (error) {
      this.unwritable.failed(error);
      return false;
    }
  }

  private launch(): RunningWorker {
    const { log, logger } = this.dependencies;
    const { runAs, ...settings } = this.options;
    const launch = runAs === 'thread' ? launchThread : launchChild;
    const worker = launch({ ...settings, logLevel: logger.level as WorkerSettings['logLevel'] }, log);
    const ready = Promise.withResolvers<void>();
    let reported: MillraceError | undefined;
    worker.onReport((report: Report) => {
      if (report.type === 'ready') {
        this.applying = true;
        ready.resolve();
      } else if (report.type === 'progress') this.add(report.progress);
      else if (report.type === 'log') forward(report.line, this.dependencies.logger);
      else reported = new MillraceError(report.code, report.message);
    });
    const ended = worker.exited.then(({ code, error: cause }) => {
      this.applying = false;
      const error = reported ?? (cause && new MillraceError('INTERNAL', cause.message, { cause }));
      ready.reject(error ?? new MillraceError('INTERNAL', `the processor ended with ${code} before it was ready`));
      return { error, code };
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
