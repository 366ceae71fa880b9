import {
  createMetrics,
  Lifecycle,
  openEventLog,
  openStateReader,
  type EventLog,
  type Logger,
  type Offset,
  type Registry,
  type StateReader,
  type StateStatistics,
} from '@millrace/core';
import { createFrontend, type Frontend, type FrontendOptions, type PlatformStatus } from './frontend/index.ts';
import { registerCounter } from './frontend/metrics.ts';
import { LagMeter, type Lag } from './lag.ts';
import { createProcessorHost, type ProcessorHost } from './processor/host.ts';
import { TAG_STATE_SCHEMA } from './tag.ts';
import { watchAppender, type WatchedAppender } from './watched-appender.ts';

/** Consumer group of the tag processor. */
export const PROCESSOR_GROUP = 'tag-processors';

const SAMPLE_EVERY_MS = 100;
const STATISTICS_EVERY_MS = 1000;

export interface PlatformOptions extends FrontendOptions {
  /** `embedded:DIR`: log and state live in one process. */
  readonly logUrl: string;
  readonly stateUrl: string;
  readonly partitions: number;
  /** Tags a profile shows per action, at most. */
  readonly keep: number;
  /** Rollups older than this by event time go, milliseconds. */
  readonly retentionMs: number;
  /** Released segments of the log older than this go, milliseconds. */
  readonly logRetentionMs: number;
  /** Above this the log's oldest segments go, processed or not. */
  readonly logMaxBytes: number;
  /** How long a stop may go on applying what is in the log, milliseconds; the next start does the rest. */
  readonly drainMs: number;
  readonly logger: Logger;
}

/** Frontend, log, processor and state of the user tags, in one process. */
export interface Platform {
  /**
   * Resolves when requests are answered.
   *
   * @throws DATA_DIRECTORY_LOCKED and others of the stores, before anything listens; INVALID_OPTION for the address
   */
  start(): Promise<{ readonly url: string }>;
  /** Answers what is in flight, applies what is durable as far as `drainMs` allows, closes all. */
  stop(): Promise<void>;
  status(): PlatformStatus;
  /** Rejects when the processor has died of something that a restart cannot heal. */
  readonly failed: Promise<never>;
  /** The worker thread of the processor; undefined before the start. */
  readonly processor: ProcessorHost | undefined;
}

export function createPlatform(options: PlatformOptions): Platform {
  return new TagPlatform(options);
}

class TagPlatform implements Platform {
  readonly failed: Promise<never>;
  processor: ProcessorHost | undefined;
  private readonly options: PlatformOptions;
  private readonly lifecycle = new Lifecycle('platform');
  private readonly failure = Promise.withResolvers<never>();
  private readonly startedAt = Date.now();
  private readonly lagMeter = new LagMeter();
  private log: EventLog | undefined;
  private appender: WatchedAppender | undefined;
  private state: StateReader | undefined;
  private frontend: Frontend | undefined;
  private url = '';
  private timers: NodeJS.Timeout[] = [];
  private committedAtStart: readonly (Offset | undefined)[] = [];
  private statistics: StateStatistics = { deadLetters: 0, late: 0, duplicates: 0 };
  private logBytes = 0;

  constructor(options: PlatformOptions) {
    this.options = options;
    this.failed = this.failure.promise;
    // Whoever does not look at `failed` still sees the state `failed`, and the host's log line.
    this.failed.catch((error: unknown) => this.lifecycle.fail(error));
  }

  async start(): Promise<{ readonly url: string }> {
    await this.lifecycle.start(() => this.open());
    return { url: this.url };
  }

  stop(): Promise<void> {
    return this.lifecycle.stop(() => this.close());
  }

  status(): PlatformStatus {
    const { clock, deadLetters, bytes } = this.statistics;
    const progress = this.processor?.progress();
    const state = this.lifecycle.state === 'created' ? 'starting' : this.lifecycle.state;
    return {
      state,
      logWritable: this.lifecycle.state === 'running' && (this.appender?.writable() ?? false),
      processorRunning: this.processor?.isRunning() ?? false,
      lag: this.lag(),
      accepted: this.frontend?.figures().accepted ?? 0,
      applied: progress?.applied ?? 0,
      late: progress?.late ?? 0,
      duplicates: progress?.duplicates ?? 0,
      deadLetters,
      logBytes: this.logBytes,
      stateBytes: bytes ?? 0,
      ...(clock === undefined ? {} : { clock }),
      startedAt: this.startedAt,
    };
  }

  /** The log comes first: it holds the data directory's lock, so a second owner fails before anything listens. */
  private async open(): Promise<void> {
    const { logger, logUrl, stateUrl, partitions, keep, retentionMs, logRetentionMs, logMaxBytes } = this.options;
    const stateOptions = { schema: TAG_STATE_SCHEMA, partitions, keep, retentionMs };
    const log = await openEventLog(logUrl, { partitions, retentionMs: logRetentionMs, maxBytes: logMaxBytes, logger });
    this.log = log;
    this.appender = watchAppender(log, () => performance.now());
    const state = await openStateReader(stateUrl, { ...stateOptions, logger });
    this.state = state;
    const all = Array.from({ length: partitions }, (_, partition) => state.committed(partition));
    this.committedAtStart = await Promise.all(all);
    this.processor = createProcessorHost(
      { log, logger, state },
      { logUrl, stateUrl, state: stateOptions, group: PROCESSOR_GROUP },
    );
    this.processor.failed.catch(this.failure.reject);
    const dependencies = {
      log: this.appender,
      state,
      logger,
      metrics: metricsOf(this.processor, log),
      now: Date.now,
      status: () => this.status(),
    };
    [this.frontend] = await Promise.all([
      createFrontend(dependencies, this.options),
      this.processor.start(),
      state.warmUp(),
      this.sample(),
      this.readStatistics(),
    ]);
    this.every(SAMPLE_EVERY_MS, () => this.sample());
    this.every(STATISTICS_EVERY_MS, () => this.readStatistics());
    ({ url: this.url } = await this.frontend.start());
  }

  /** Also after a start that failed half-way: closes what is open. */
  private async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.frontend?.stop();
    await this.processor?.stop(this.options.drainMs);
    await this.state?.close();
    await this.log?.close();
  }

  private every(ms: number, task: () => Promise<void>): void {
    const run = (): void => {
      task().catch((error: unknown) => this.options.logger.warn({ err: error }, 'the figures cannot be read'));
    };
    this.timers.push(setInterval(run, ms).unref());
  }

  /** At the time of asking, where the log can tell its end without delay; else as of the last sample. */
  private lag(): Lag {
    const now = performance.now();
    const next = this.log?.statistics?.().next;
    if (next !== undefined) this.lagMeter.sample(next, now);
    return this.lagMeter.lag(this.committed(), now);
  }

  private async sample(): Promise<void> {
    const bounds = await this.log?.bounds(0);
    if (bounds !== undefined) this.lagMeter.sample(bounds.next, performance.now());
  }

  private async readStatistics(): Promise<void> {
    if (this.state !== undefined) this.statistics = await this.state.statistics();
    this.logBytes = this.log?.statistics?.().bytes ?? 0;
  }

  /** Where log and state share a process the log numbers all partitions from one sequence: one offset tells all. */
  private committed(): Offset {
    const offsets = this.processor?.progress().committed ?? [];
    return Math.max(0, ...this.committedAtStart.map((atStart, partition) => offsets[partition] ?? atStart ?? 0));
  }
}

/** The figures of the process, the processor and the log; the frontend adds its own. */
function metricsOf(processor: ProcessorHost, log: EventLog): Registry {
  const metrics = createMetrics();
  registerCounter(
    metrics,
    'millrace_processor_restarts_total',
    'Times the processor was started again because it had died',
    () => processor.restarts(),
  );
  registerCounter(
    metrics,
    'millrace_log_forced_removals_total',
    'Segments that the size limit removed before their tags were applied',
    () => log.statistics?.().forcedRemovals ?? 0,
  );
  return metrics;
}
