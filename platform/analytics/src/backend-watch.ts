import { setTimeout as sleep } from 'node:timers/promises';
import {
  OngoingFailure,
  type EventLog,
  type Logger,
  type LogReader,
  type Offset,
  type StateReader,
  type StateStatistics,
} from '@millrace/core';
import { LagMeter, type Lag } from './lag.ts';

/** What lives in this process costs nothing to ask; a server is asked less often. */
const SAMPLE_EVERY_MS = { local: 100, shared: 500 };
const STATISTICS_EVERY_MS = { local: 1000, shared: 5000 };
/** Without an answer for so long a backend counts as away: its client may still be trying. */
const AWAY_AFTER_MS = 3000;

/** What is sampled, in words for the log. */
type Sampled = 'the log' | 'the state' | 'the statistics of the state';

/** How far the state is behind one partition of the log. */
export interface PartitionLag extends Lag {
  readonly partition: number;
}

export interface BackendWatchDependencies {
  readonly log: Pick<LogReader, 'partitions' | 'bounds'> & Partial<Pick<EventLog, 'statistics'>>;
  readonly state: Pick<StateReader, 'committed' | 'statistics'>;
  /** Offsets that a processor of this process has committed, where nobody else commits any. Default: the state is asked. */
  readonly committed?: () => readonly (Offset | undefined)[];
  readonly logger: Logger;
}

/** Samples log and state, and tells from that how far the one is behind the other and whether they answer. */
export class BackendWatch {
  statistics: StateStatistics = { deadLetters: 0, late: 0, duplicates: 0 };
  readonly #dependencies: BackendWatchDependencies;
  /** Whether nobody outside of this process changes it. */
  readonly #local: { readonly log: boolean; readonly state: boolean };
  readonly #committed: (Offset | undefined)[] = [];
  readonly #earliest: Offset[] = [];
  readonly #meters: readonly LagMeter[];
  readonly #answered = { log: Number.NEGATIVE_INFINITY, state: Number.NEGATIVE_INFINITY };
  readonly #failures: Readonly<Record<Sampled, OngoingFailure>>;
  #timers: NodeJS.Timeout[] = [];
  #stopped = false;

  constructor(dependencies: BackendWatchDependencies) {
    this.#dependencies = dependencies;
    const { log, committed, logger } = dependencies;
    const failureOf = (what: Sampled): OngoingFailure =>
      new OngoingFailure({
        logger,
        failing: `${what} cannot be read: trying again`,
        over: `${what} can be read again`,
      });
    this.#failures = {
      'the log': failureOf('the log'),
      'the state': failureOf('the state'),
      'the statistics of the state': failureOf('the statistics of the state'),
    };
    this.#local = { log: log.statistics?.().next !== undefined, state: committed !== undefined };
    // Where all partitions share one sequence of offsets, one of them tells about all.
    this.#meters = Array.from({ length: this.#local.log ? 1 : log.partitions }, () => new LagMeter());
  }

  /** Takes a first sample, then one regularly. Rejects when the first cannot be had. */
  async start(): Promise<void> {
    await Promise.all([this.#sampleState(), this.#sampleLog(), this.#readStatistics()]);
    if (this.#stopped) return;
    const { log, state } = this.#local;
    this.#every(SAMPLE_EVERY_MS[log ? 'local' : 'shared'], 'the log', () => this.#sampleLog());
    if (!state) this.#every(SAMPLE_EVERY_MS.shared, 'the state', () => this.#sampleState());
    const statisticsEvery = STATISTICS_EVERY_MS[state ? 'local' : 'shared'];
    this.#every(statisticsEvery, 'the statistics of the state', () => this.#readStatistics());
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Makes {@link lag} include what was acknowledged before the call, also by others; gives up after two seconds. */
  async refresh(): Promise<void> {
    const { log, state } = this.#local;
    if (log && state) return;
    const sampling = Promise.all([
      log || this.#try('the log', () => this.#sampleLog()),
      state || this.#try('the state', () => this.#sampleState()),
    ]);
    await Promise.race([sampling, sleep(2000, undefined, { ref: false })]);
  }

  /** Over all partitions: their records together, and the age of the oldest of them. */
  lag(): Lag {
    const all = this.partitions();
    return {
      records: all.reduce((sum, { records }) => sum + records, 0),
      ms: Math.max(0, ...all.map(({ ms }) => ms)),
    };
  }

  /** Per partition; a single entry, of partition 0, for a log whose partitions share one sequence of offsets. */
  partitions(): readonly PartitionLag[] {
    const now = performance.now();
    const next = this.#dependencies.log.statistics?.().next;
    if (next !== undefined) this.#meters[0]!.sample(next, now);
    return this.#meters.map((meter, partition) => ({ partition, ...meter.lag(this.#appliedTo(partition), now) }));
  }

  logAnswers(): boolean {
    return performance.now() - this.#answered.log < AWAY_AFTER_MS;
  }

  stateAnswers(): boolean {
    return this.#local.state || performance.now() - this.#answered.state < AWAY_AFTER_MS;
  }

  #appliedTo(partition: number): Offset {
    const live = this.#dependencies.committed?.() ?? [];
    const applied = (at: number): Offset => live[at] ?? this.#committed[at] ?? this.#earliest[at] ?? 0;
    if (this.#meters.length > 1) return applied(partition);
    return Math.min(...Array.from({ length: this.#dependencies.log.partitions }, (_, at) => applied(at)));
  }

  async #sampleLog(): Promise<void> {
    const { log } = this.#dependencies;
    await Promise.all(
      this.#meters.map(async (meter, partition) => {
        const { earliest, next } = await log.bounds(partition);
        this.#earliest[partition] = earliest;
        meter.sample(next, performance.now());
      }),
    );
    this.#answered.log = performance.now();
  }

  async #sampleState(): Promise<void> {
    const { log, state } = this.#dependencies;
    await Promise.all(
      Array.from({ length: log.partitions }, async (_, partition) => {
        this.#committed[partition] = await state.committed(partition);
      }),
    );
    this.#answered.state = performance.now();
  }

  async #readStatistics(): Promise<void> {
    this.statistics = await this.#dependencies.state.statistics();
  }

  /** A sample that takes longer than the time to the next one is waited for: an outage piles nothing up. */
  #every(ms: number, what: Sampled, task: () => Promise<void>): void {
    let running = false;
    const run = async (): Promise<void> => {
      if (running) return;
      running = true;
      await this.#try(what, task);
      running = false;
    };
    this.#timers.push(setInterval(() => void run(), ms).unref());
  }

  async #try(what: Sampled, task: () => Promise<void>): Promise<void> {
    const failure = this.#failures[what];
    try {
      await task();
      failure.succeeded();
    } catch (error) {
      if (!this.#stopped) failure.failed(error);
    }
  }
}
