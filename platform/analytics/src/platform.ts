import {
  createMetrics,
  Lifecycle,
  openEventLog,
  openStateReader,
  type EventLog,
  type Logger,
  type Registry,
  type StateReader,
} from '@millrace/core';
import { BackendWatch } from './backend-watch.ts';
import { isEmbedded, requireShared, type BackendOptions } from './backends.ts';
import { createFrontend, type Frontend, type FrontendOptions, type PlatformStatus } from './frontend/index.ts';
import { registerCounter } from './frontend/metrics.ts';
import { openWhenThere } from './open-when-there.ts';
import { createProcessorHost, type ProcessorHost } from './processor/host.ts';
import { TAG_STATE_SCHEMA } from './tag.ts';
import { watchAppender, type WatchedAppender } from './watched-appender.ts';

/** Consumer group of the tag processors. */
export const PROCESSOR_GROUP = 'tag-processors';

export interface PlatformOptions extends FrontendOptions, BackendOptions {
  /** Released segments of the log older than this go, milliseconds. */
  readonly logRetentionMs: number;
  /** Above this the log's oldest segments go, processed or not. */
  readonly logMaxBytes: number;
  /**
   * The consumer group of the processor that runs along; undefined leaves processing to processors elsewhere, which takes
   * a log and a state that several processes share.
   */
  readonly group: string | undefined;
  /** How long a stop may go on applying what is in the log, milliseconds; the next start does the rest. */
  readonly drainMs: number;
  readonly logger: Logger;
}

/** Frontend, log and state of the user tags, and a processor unless those run elsewhere. */
export interface Platform {
  /**
   * Resolves when requests are answered. Waits for a log or a state that is away, until it is stopped.
   *
   * @throws DATA_DIRECTORY_LOCKED and others of the stores, before anything listens; INVALID_OPTION for the address
   */
  start(): Promise<{ readonly url: string }>;
  /** Answers what is in flight, applies what is durable as far as `drainMs` allows, closes all. */
  stop(): Promise<void>;
  status(): PlatformStatus;
  /** Rejects when the processor has died of something that a restart cannot heal. */
  readonly failed: Promise<never>;
  /** The processor that runs along; undefined before the start. */
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
  private readonly stopping = new AbortController();
  private readonly startedAt = Date.now();
  private log: EventLog | undefined;
  private appender: WatchedAppender | undefined;
  private state: StateReader | undefined;
  private watch: BackendWatch | undefined;
  private frontend: Frontend | undefined;
  private url = '';

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
    this.stopping.abort();
    return this.lifecycle.stop(() => this.close());
  }

  status(): PlatformStatus {
    const { watch, processor } = this;
    const { clock, deadLetters, bytes, late, duplicates } = watch?.statistics ?? NO_STATISTICS;
    const { state } = this.lifecycle;
    const progress = processor?.progress();
    const partitions = watch?.partitions() ?? [];
    return {
      state: state === 'created' ? 'starting' : state,
      logWritable: state === 'running' && (this.appender?.writable() ?? false) && (watch?.logAnswers() ?? false),
      stateReadable: watch?.stateAnswers() ?? false,
      ...(this.options.group !== undefined && {
        processorRunning: processor?.isRunning() ?? false,
        applied: progress?.applied ?? 0,
      }),
      lag: watch?.lag() ?? { records: 0, ms: 0 },
      ...(partitions.length > 1 && { partitions }),
      accepted: this.frontend?.figures().accepted ?? 0,
      late: progress?.late ?? late,
      duplicates: progress?.duplicates ?? duplicates,
      deadLetters,
      logBytes: this.log?.statistics?.().bytes,
      stateBytes: bytes,
      ...(clock === undefined ? {} : { clock }),
      startedAt: this.startedAt,
    };
  }

  /** The log comes first: it holds the data directory's lock, so a second owner fails before anything listens. */
  private async open(): Promise<void> {
    const { logger, logUrl, stateUrl, partitions, keep, retentionMs, logRetentionMs, logMaxBytes } = this.options;
    const { group } = this.options;
    if (group === undefined) requireShared('frontend', { log: logUrl, state: stateUrl });
    const waiting = { logger, signal: this.stopping.signal };
    const logOptions = { partitions, retentionMs: logRetentionMs, maxBytes: logMaxBytes, logger };
    const stateOptions = { schema: TAG_STATE_SCHEMA, partitions, keep, retentionMs };
    const log = await openWhenThere('the log', () => openEventLog(logUrl, logOptions), waiting);
    this.log = log;
    this.appender = watchAppender(log, {
      logger,
      now: () => performance.now(),
      failsForGood: isEmbedded(logUrl),
    });
    const state = await openWhenThere(
      'the state',
      () => openStateReader(stateUrl, { ...stateOptions, logger }),
      waiting,
    );
    this.state = state;
    if (group !== undefined) {
      this.processor = createProcessorHost(
        { log, logger, state },
        {
          logUrl,
          stateUrl,
          state: stateOptions,
          group,
          shared: !isEmbedded(stateUrl),
          runAs: isEmbedded(stateUrl) ? 'thread' : 'child',
        },
      );
      this.processor.failed.catch(this.failure.reject);
    }
    const live = (): ReturnType<ProcessorHost['progress']>['committed'] => this.processor?.progress().committed ?? [];
    const watch = new BackendWatch({ log, state, logger, ...(isEmbedded(stateUrl) && { committed: live }) });
    this.watch = watch;
    const dependencies = {
      log: this.appender,
      state,
      logger,
      metrics: metricsOf(this.processor, log),
      now: Date.now,
      status: () => this.status(),
      refresh: () => watch.refresh(),
    };
    [this.frontend] = await Promise.all([
      createFrontend(dependencies, this.options),
      this.processor?.start(),
      state.warmUp(),
      openWhenThere('log and state', () => watch.start(), waiting),
    ]);
    ({ url: this.url } = await this.frontend.start());
  }

  /** Also after a start that failed half-way: closes what is open. */
  private async close(): Promise<void> {
    this.watch?.stop();
    await this.frontend?.stop();
    await this.processor?.stop(this.options.drainMs);
    await this.state?.close();
    await this.log?.close();
  }
}

const NO_STATISTICS: BackendWatch['statistics'] = { deadLetters: 0, late: 0, duplicates: 0 };

/** The figures of the process, the processor and the log; the frontend adds its own. */
function metricsOf(processor: ProcessorHost | undefined, log: EventLog): Registry {
  const metrics = createMetrics();
  if (processor !== undefined) {
    registerCounter(
      metrics,
      'millrace_processor_restarts_total',
      'Times the processor was started again because it had died',
      () => processor.restarts(),
    );
    registerCounter(
      metrics,
      'millrace_tags_applied_total',
      'Tags in profiles and aggregates',
      () => processor.progress().applied,
    );
  }
  registerCounter(
    metrics,
    'millrace_log_forced_removals_total',
    'Segments that the size limit removed before their tags were applied',
    () => log.statistics?.().forcedRemovals ?? 0,
  );
  return metrics;
}
