import {
  createMetrics,
  Lifecycle,
  openLogReader,
  openStateReader,
  openStateWriter,
  type Logger,
  type LogReader,
  type StateReader,
  type StateWriter,
} from '@millrace/core';
import { BackendWatch } from '../backend-watch.ts';
import { checkPartitions, requireShared, type BackendOptions } from '../backends.ts';
import { registerCounter, registerGauge } from '../frontend/metrics.ts';
import { openWhenThere } from '../open-when-there.ts';
import { outageBackOff } from '../outage.ts';
import { pause } from '../pause.ts';
import { TAG_STATE_SCHEMA } from '../tag.ts';
import { createAdminServer, type AdminServer, type AdminServerOptions, type ProcessorStatus } from './admin-server.ts';
import { isFinal, STABLE_AFTER_MS } from './failures.ts';
import { createProcessor, type Progress } from './processor.ts';

export interface ProcessorRoleOptions extends BackendOptions {
  /** Consumer group: its processors share the partitions of the log. */
  readonly group: string;
  /** Where health and figures are told; undefined tells them nowhere. */
  readonly http: AdminServerOptions | undefined;
  readonly logger: Logger;
}

/** A processor as a program of its own: any number of them share a log and a state. */
export interface ProcessorRole {
  /**
   * Resolves when health and figures are told; a log or a state that is away is waited for after that.
   *
   * @throws INVALID_OPTION for a log or a state that only one process can open, or the address
   */
  start(): Promise<{ readonly url: string | undefined }>;
  /** Finishes what is being applied, leaves the group to the others, closes all. */
  stop(): Promise<void>;
  status(): ProcessorStatus;
  /** Resolves once log and state are there and tags are applied. */
  readonly applying: Promise<void>;
  /** Rejects when the processor has died of something that a restart cannot heal. */
  readonly failed: Promise<never>;
}

export function createProcessorRole(options: ProcessorRoleOptions): ProcessorRole {
  return new StandaloneProcessor(options);
}

type Totals = Omit<Progress, 'committed'>;
const NOTHING: Totals = { applied: 0, redelivered: 0, duplicates: 0, late: 0, deadLetters: 0 };

class StandaloneProcessor implements ProcessorRole {
  readonly failed: Promise<never>;
  readonly applying: Promise<void>;
  private readonly options: ProcessorRoleOptions;
  private readonly lifecycle = new Lifecycle('processor');
  private readonly failure = Promise.withResolvers<never>();
  private readonly firstRun = Promise.withResolvers<void>();
  private readonly stopping = new AbortController();
  private readonly startedAt = Date.now();
  private server: AdminServer | undefined;
  private keeping: Promise<void> | undefined;
  private watch: BackendWatch | undefined;
  private restarts = 0;
  /** Of the processors before the one that runs, and of that one. */
  private before = NOTHING;
  private current = NOTHING;

  constructor(options: ProcessorRoleOptions) {
    this.options = options;
    this.failed = this.failure.promise;
    this.applying = this.firstRun.promise;
    this.failed.catch((error: unknown) => this.lifecycle.fail(error));
  }

  async start(): Promise<{ readonly url: string | undefined }> {
    let url: string | undefined;
    await this.lifecycle.start(async () => {
      const { http, logUrl, stateUrl } = this.options;
      requireShared('processor', { log: logUrl, state: stateUrl });
      if (http !== undefined) {
        const metrics = this.metrics();
        this.server = createAdminServer({ metrics, status: () => this.status(), refresh: () => this.refresh() }, http);
        url = await this.server.start();
      }
      this.keeping = this.keep();
    });
    return { url };
  }

  stop(): Promise<void> {
    this.stopping.abort();
    return this.lifecycle.stop(async () => {
      await this.keeping;
      await this.server?.stop();
    });
  }

  status(): ProcessorStatus {
    const { watch, before, current } = this;
    return {
      state: this.lifecycle.state === 'created' ? 'starting' : this.lifecycle.state,
      processorRunning: watch !== undefined,
      logReadable: watch?.logAnswers() ?? false,
      stateReadable: watch?.stateAnswers() ?? false,
      lag: watch?.lag() ?? { records: 0, ms: 0 },
      partitions: watch?.partitions() ?? [],
      applied: before.applied + current.applied,
      redelivered: before.redelivered + current.redelivered,
      duplicates: before.duplicates + current.duplicates,
      late: before.late + current.late,
      deadLetters: before.deadLetters + current.deadLetters,
      restarts: this.restarts,
      startedAt: this.startedAt,
    };
  }

  private async refresh(): Promise<void> {
    await this.watch?.refresh();
  }

  /** Starts the processor again whenever it fails, until it fails for good or `stop` is called. Never rejects. */
  private async keep(): Promise<void> {
    const { logger } = this.options;
    const { signal } = this.stopping;
    const backOff = outageBackOff();
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await this.run();
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) {
          this.failure.reject(error);
          return;
        }
        if (performance.now() - startedAt > STABLE_AFTER_MS) backOff.succeeded();
        logger.error({ err: error }, 'the processor has failed and is started again');
        await pause(backOff.next(), signal);
        this.restarts++;
      }
    }
  }

  private async run(): Promise<void> {
    const { logger, logUrl, stateUrl, group, partitions, keep, retentionMs } = this.options;
    const { signal } = this.stopping;
    const waiting = { logger, signal };
    const stateOptions = { schema: TAG_STATE_SCHEMA, partitions, keep, retentionMs, logger };
    const open: (LogReader | StateWriter | StateReader)[] = [];
    const opened = async <T extends (typeof open)[number]>(what: string, opening: () => Promise<T>): Promise<T> => {
      const backend = await openWhenThere(what, opening, waiting);
      open.push(backend);
      return backend;
    };
    let watch: BackendWatch | undefined;
    try {
      const log = await opened('the log', () => openLogReader(logUrl));
      checkPartitions(log, partitions);
      const state = await opened('the state', () => openStateWriter(stateUrl, stateOptions));
      // Not the writer: asking that where a partition stands may mean to take it over.
      const reader = await opened('the state', () => openStateReader(stateUrl, stateOptions));
      const sampling = new BackendWatch({ log, state: reader, logger });
      watch = sampling;
      await openWhenThere('log and state', () => sampling.start(), waiting);
      this.watch = watch;
      this.firstRun.resolve();
      const onProgress = (progress: Progress): void => {
        this.current = progress;
      };
      const processor = createProcessor({ log, state, logger, now: Date.now, onProgress }, { group, shared: true });
      await processor.run(signal);
    } finally {
      watch?.stop();
      this.watch = undefined;
      this.before = sum(this.before, this.current);
      this.current = NOTHING;
      await this.close(open);
    }
  }

  /** The log first, so that its group knows at once that this member has left. */
  private async close(open: readonly { close(): Promise<void> }[]): Promise<void> {
    for (const backend of open) {
      await backend.close().catch((error: unknown) => {
        this.options.logger.warn({ err: error }, 'a backend did not close in order');
      });
    }
  }

  private metrics(): ReturnType<typeof createMetrics> {
    const metrics = createMetrics();
    const count = (name: string, help: string, of: (status: ProcessorStatus) => number): void =>
      registerCounter(metrics, name, help, () => of(this.status()));
    const gauge = (name: string, help: string, of: (status: ProcessorStatus) => number): void =>
      registerGauge(metrics, name, help, () => of(this.status()));
    count('millrace_tags_applied_total', 'Tags in profiles and aggregates', ({ applied }) => applied);
    count('millrace_tags_late_total', 'Tags older than the retention', ({ late }) => late);
    count('millrace_tags_duplicate_total', 'Tags dropped by Idempotency-Key', ({ duplicates }) => duplicates);
    count('millrace_tags_redelivered_total', 'Tags read again and cut off', ({ redelivered }) => redelivered);
    count('millrace_processor_restarts_total', 'Times it was started again', ({ restarts }) => restarts);
    gauge('millrace_lag_records', 'Records not applied yet, of the whole log', ({ lag }) => lag.records);
    gauge('millrace_lag_seconds', 'Age of the oldest record not applied', ({ lag }) => lag.ms / 1000);
    return metrics;
  }
}

const sum = (a: Totals, b: Totals): Totals => ({
  applied: a.applied + b.applied,
  redelivered: a.redelivered + b.redelivered,
  duplicates: a.duplicates + b.duplicates,
  late: a.late + b.late,
  deadLetters: a.deadLetters + b.deadLetters,
});
