import { setTimeout as sleep } from 'node:timers/promises';
import {
  BackOff,
  hasCode,
  MillraceError,
  OngoingFailure,
  type Batch,
  type CommitResult,
  type Logger,
  type LogReader,
  type Offset,
  type PartitionChange,
  type StateWriter,
} from '@millrace/core';
import { isOutage, outageBackOff } from '../outage.ts';
import { pause } from '../pause.ts';
import { decodeBatch, type DecodedBatch } from './change.ts';

/** Records per commit are bounded by these bytes: some 7,000 tags. More at once takes memory, and is no faster. */
const MAX_BATCH_BYTES = 512 * 1024;
/** After a commit of fewer records than this, more are waited for. */
const FULL_BATCH_RECORDS = 5000;
const RELEASE_EVERY_MS = 1000;

export interface Progress extends CommitResult {
  /** Records, or stretches of the log, that went to the dead letters. */
  readonly deadLetters: number;
  /** Per partition: up to where it is applied; undefined before its first commit. */
  readonly committed: readonly (Offset | undefined)[];
}

export interface ProcessorDependencies {
  readonly log: LogReader;
  readonly state: StateWriter;
  readonly logger: Logger;
  readonly now: () => number;
  /** Called after every commit, with totals since the processor was created. */
  readonly onProgress: (progress: Progress) => void;
}

export interface ProcessorOptions {
  /** Consumer group. */
  readonly group: string;
  /**
   * Least time from one commit to the next while events trickle in, milliseconds, default 40: larger commits cost less.
   * An event after a quiet time does not wait.
   */
  readonly lingerMs?: number;
  /**
   * Whether processors elsewhere share the group, so that losing a partition to one of them is no failure. Default false:
   * whoever takes one over is an intruder, and this processor ends.
   */
  readonly shared?: boolean;
}

/** Applies the log's user tags to the state, each exactly once. */
export interface Processor {
  /** Runs until the signal aborts. Rejects when it cannot go on; a new processor continues where this one stood. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when all that was durable at the call is applied, of the partitions that this processor has. */
  drain(): Promise<void>;
  /** Applies nothing more until `resume`. */
  pause(): void;
  resume(): void;
}

export function createProcessor(dependencies: ProcessorDependencies, options: ProcessorOptions): Processor {
  return new TagProcessor(dependencies, options);
}

class TagProcessor implements Processor {
  private readonly dependencies: ProcessorDependencies;
  private readonly group: string;
  private readonly lingerMs: number;
  private readonly shared: boolean;
  /** Between losing a partition and asking where it stands: whoever has it must not lose it back at once. */
  private readonly staleBackOff = new BackOff({ firstMs: 100, maxMs: 2000 });
  private readonly stopping = new AbortController();
  private readonly totals = { applied: 0, redelivered: 0, duplicates: 0, late: 0, deadLetters: 0 };
  private readonly committed: (Offset | undefined)[];
  private readonly released: (Offset | undefined)[];
  /** Partitions with commits of this processor that the log was not told of. */
  private readonly unreleased = new Set<number>();
  /** Partitions that the log gave to this processor; of some it may not have told yet that they are taken away. */
  private readonly assigned = new Set<number>();
  private readonly waiting = new Set<() => void>();
  private paused: PromiseWithResolvers<void> | undefined;

  constructor(dependencies: ProcessorDependencies, options: ProcessorOptions) {
    this.dependencies = dependencies;
    this.group = options.group;
    this.lingerMs = options.lingerMs ?? 40;
    this.shared = options.shared ?? false;
    const { partitions } = dependencies.log;
    this.committed = Array.from<undefined>({ length: partitions });
    this.released = Array.from<undefined>({ length: partitions });
  }

  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    either.addEventListener('abort', () => this.stopping.abort(), { once: true });
    const endOther = (): void => ended.abort();
    const consuming = this.dependencies.log.consume(this.group, {
      start: (partition) => this.start(partition),
      handle: (batches, revoked) => this.handle(batches, revoked),
      signal: either,
      maxBytes: MAX_BATCH_BYTES,
    });
    const settled = await Promise.allSettled([
      consuming.finally(endOther),
      this.releaseRegularly(either).finally(endOther),
    ]);
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  }

  async drain(): Promise<void> {
    const { log } = this.dependencies;
    const partitions = Array.from({ length: log.partitions }, (_, partition) => partition);
    const bounds = await Promise.all(partitions.map((partition) => log.bounds(partition)));
    const behind = (): boolean =>
      bounds.some(
        ({ earliest, next }, partition) =>
          (this.assigned.has(partition) || !this.shared) && next > earliest && (this.committed[partition] ?? 0) < next,
      );
    while (behind()) {
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
    }
  }

  pause(): void {
    this.paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.paused?.resolve();
    this.paused = undefined;
  }

  private async start(partition: number): Promise<Offset | 'earliest'> {
    const committed = await this.dependencies.state.committed(partition);
    this.committed[partition] = committed;
    this.assigned.add(partition);
    if (committed !== undefined) this.unreleased.add(partition);
    return committed ?? 'earliest';
  }

  private async handle(batches: readonly Batch[], revoked: AbortSignal): Promise<void> {
    await this.paused?.promise;
    const startedAt = performance.now();
    const now = this.dependencies.now();
    const decoded = batches.map((batch) => decodeBatch(batch, now));
    const result = await this.commit(
      decoded.map(({ change }) => change),
      revoked,
    );
    this.count(decoded, result);
    const records = batches.reduce((sum, batch) => sum + batch.records.length, 0);
    if (records === 0 || records >= FULL_BATCH_RECORDS) return;
    // The pause comes after the commit and not before it, so that a single event is visible at once.
    const rest = this.lingerMs - (performance.now() - startedAt);
    if (rest >= 1) await sleep(rest);
  }

  /**
   * Commits, however long the state is away: an idempotent commit may be repeated. Given up, when stopping or in a
   * rebalance, it counts as a gap, after which the log asks where each partition stands.
   */
  private async commit(changes: readonly PartitionChange[], revoked: AbortSignal): Promise<CommitResult> {
    const { state, logger } = this.dependencies;
    const backOff = outageBackOff();
    for (;;) {
      try {
        const result = await state.commit(changes);
        this.staleBackOff.succeeded();
        return result;
      } catch (error) {
        const isStale = this.shared && hasCode(error, 'STALE_OWNER');
        if (!isStale && !isOutage(error)) throw error;
        const retryInMs = Math.round((isStale ? this.staleBackOff : backOff).next());
        const what = isStale ? 'another processor has taken a partition over' : 'the state is away';
        // One line per outage, not one per attempt.
        if (isStale || backOff.failures === 1) logger.warn({ err: error, retryInMs }, what);
        const goOn = await pause(retryInMs, AbortSignal.any([revoked, this.stopping.signal]));
        if (isStale || !goOn) throw new MillraceError('COMMIT_GAP', `not committed: ${what}`, { cause: error });
      }
    }
  }

  private count(decoded: readonly DecodedBatch[], result: CommitResult): void {
    const { logger, onProgress } = this.dependencies;
    for (const { change, stillUnreadable } of decoded) {
      // A redelivered batch may end below what is applied.
      this.committed[change.partition] = Math.max(this.committed[change.partition] ?? 0, change.to);
      this.unreleased.add(change.partition);
      this.totals.deadLetters += change.deadLetters.length;
      for (const letter of change.deadLetters) {
        const { offset, code, reason } = letter;
        logger.warn({ partition: change.partition, offset, code, reason }, 'a record went to the dead letters');
      }
      for (const id of stillUnreadable) logger.warn({ deadLetter: id }, 'a retried dead letter is still unreadable');
    }
    this.totals.applied += result.applied;
    this.totals.redelivered += result.redelivered;
    this.totals.duplicates += result.duplicates;
    this.totals.late += result.late;
    onProgress({ ...this.totals, committed: [...this.committed] });
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** Lets the log forget what survives a power loss in the state; a turn a second, for it writes a file. */
  private async releaseRegularly(signal: AbortSignal): Promise<void> {
    const untold = new OngoingFailure({
      logger: this.dependencies.logger,
      failing: 'the log cannot be told what it may forget; it is told later',
      over: 'the log can be told again what it may forget',
    });
    while (await pause(RELEASE_EVERY_MS, signal)) {
      let failure: unknown;
      for (const partition of this.unreleased) {
        try {
          await this.release(partition);
        } catch (error) {
          if (!isOutage(error)) throw error;
          failure = error;
        }
      }
      if (failure === undefined) untold.succeeded();
      else untold.failed(failure);
    }
  }

  private async release(partition: number): Promise<void> {
    const { log, state } = this.dependencies;
    const synced = await state.synced(partition);
    if (synced === undefined) return;
    if (synced !== this.released[partition]) await log.release(this.group, partition, synced);
    this.released[partition] = synced;
    // Where the state syncs later than it commits there is more to tell in the next turn.
    if (synced >= (this.committed[partition] ?? 0)) this.unreleased.delete(partition);
  }
}
