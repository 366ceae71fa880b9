import { setTimeout as sleep } from 'node:timers/promises';
import { type Batch, type ConsumeOptions, hasCode } from '@millrace/core';
import { outOfRange } from './errors.ts';
import { BlockingFetcher, type Fetcher, PollingFetcher } from './fetch.ts';
import { Membership } from './membership.ts';
import { PartitionCursor } from './partition-cursor.ts';
import { boundsOf, type LogPlace } from './place.ts';

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
/** Without a partition, or while it is unsure whether one is still owned. */
const IDLE_MS = 100;
/** A gap that stays must cost neither a core nor Redis; each handled batch starts over with the first pause. */
const GAP_PAUSE_MS = { first: 10, longest: 1000 };

/** Consumes the partitions that fall to one member of the group, until the signal aborts. */
export async function consumeLog(place: LogPlace, group: string, options: ConsumeOptions): Promise<void> {
  const { address, link, keys, partitions, leaseMs } = place;
  const consumer = new Consumer(
    place,
    group,
    options,
    address.kind === 'cluster' ? new PollingFetcher(link, keys) : new BlockingFetcher(address, keys),
    new Membership({ link, keys, partitions, group, leaseMs, onChange: () => consumer.changed() }),
  );
  await consumer.run();
}

class Consumer {
  readonly #place: LogPlace;
  readonly #group: string;
  readonly #options: ConsumeOptions;
  readonly #fetcher: Fetcher;
  readonly #membership: Membership;
  readonly #cursors = new Map<number, PartitionCursor>();
  /** Ends the idle wait. */
  #wake = new AbortController();
  /** What `handle` has now. */
  #handling: { readonly batches: readonly Batch[]; readonly revoked: AbortController } | undefined;
  #gapPauseMs = GAP_PAUSE_MS.first;
  /** So that a partition with much to read does not always come first. */
  #turn = 0;

  constructor(place: LogPlace, group: string, options: ConsumeOptions, fetcher: Fetcher, membership: Membership) {
    this.#place = place;
    this.#group = group;
    this.#options = options;
    this.#fetcher = fetcher;
    this.#membership = membership;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = (): void => {
      this.#wake.abort();
      void this.#fetcher.close();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#membership.join();
      while (!signal.aborted) await this.#round();
    } catch (error) {
      // What the abort interrupted.
      if (!signal.aborted || !isInterruption(error)) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#fetcher.close();
      await this.#membership.leave();
    }
  }

  /** The members or their shares have changed. */
  changed(): void {
    this.#wake.abort();
    const handling = this.#handling;
    if (handling === undefined) return;
    const lost = handling.batches.some(({ partition }) => !this.#membership.assigned.includes(partition));
    if (lost || this.#membership.excess > 0) handling.revoked.abort();
  }

  async #round(): Promise<void> {
    const { signal, maxBytes = DEFAULT_MAX_BYTES } = this.#options;
    if (this.#membership.error !== undefined) throw this.#membership.error;
    await this.#adjust();
    const cursors = [...this.#cursors.values()].filter(({ partition }) => this.#membership.owns(partition));
    if (cursors.length === 0) return this.#idle();
    let more = true;
    const since = performance.now();
    if (cursors.every((cursor) => cursor.isEmpty)) more = await this.#fetcher.fetch(cursors, maxBytes, signal);
    const batches = this.#take(cursors, maxBytes);
    if (batches.length === 0 || signal.aborted) return;
    await this.#handle(batches);
    if (more) return;
    // Caught up: the next records gather meanwhile, because a batch costs more than a record.
    const rest = this.#place.fetchIntervalMs - (performance.now() - since);
    if (rest > 0) await sleep(rest, undefined, { signal });
  }

  async #handle(batches: readonly Batch[]): Promise<void> {
    const revoked = new AbortController();
    this.#handling = { batches, revoked };
    try {
      await this.#options.handle(batches, revoked.signal);
      this.#gapPauseMs = GAP_PAUSE_MS.first;
    } catch (error) {
      if (!hasCode(error, 'COMMIT_GAP') && !(await this.#isOvertaken(error, batches))) throw error;
      this.#cursors.clear();
      await sleep(this.#gapPauseMs, undefined, { signal: this.#options.signal });
      this.#gapPauseMs = Math.min(2 * this.#gapPauseMs, GAP_PAUSE_MS.longest);
    } finally {
      this.#handling = undefined;
    }
  }

  /** Whether the state has refused us because another member has taken over, after a long pause of this process say. */
  async #isOvertaken(error: unknown, batches: readonly Batch[]): Promise<boolean> {
    if (!hasCode(error, 'STALE_OWNER')) return false;
    const before = new Set(this.#membership.assigned);
    await this.#membership.check();
    const { assigned } = this.#membership;
    return batches.some(({ partition }) => !before.has(partition) || !assigned.includes(partition));
  }

  #take(cursors: readonly PartitionCursor[], maxBytes: number): Batch[] {
    const batches: Batch[] = [];
    let budget = maxBytes;
    this.#turn++;
    for (let i = 0; i < cursors.length && (budget > 0 || batches.length === 0); i++) {
      const { batch, rest } = cursors[(this.#turn + i) % cursors.length]!.take(budget, batches.length === 0);
      if (batch !== undefined) batches.push(batch);
      budget = rest;
    }
    return batches;
  }

  /** Lets go of what went or is too much, and starts what came. Nothing is being handled now. */
  async #adjust(): Promise<void> {
    const { assigned } = this.#membership;
    for (const partition of this.#cursors.keys()) {
      if (!assigned.includes(partition)) this.#cursors.delete(partition);
    }
    for (const partition of assigned.slice(assigned.length - this.#membership.excess)) {
      this.#cursors.delete(partition);
      await this.#membership.giveUp(partition);
    }
    const started = await Promise.all(
      this.#membership.assigned.filter((partition) => !this.#cursors.has(partition)).map((each) => this.#start(each)),
    );
    for (const cursor of started) this.#cursors.set(cursor.partition, cursor);
  }

  async #start(partition: number): Promise<PartitionCursor> {
    const { link, keys } = this.#place;
    const { signal } = this.#options;
    // Before anything is read: from here on retention must spare what the group has not released.
    await link.run((client) => client.hsetnx(keys.released(partition), this.#group, 0), signal);
    const answer = await this.#options.start(partition);
    const { earliest, next } = await link.run((client) => boundsOf(client, keys, partition), signal);
    // Ahead of the log: it was deleted or has lost its end, and going on would lose what comes next.
    if (typeof answer === 'number' && answer > next) throw outOfRange(partition, answer, earliest, next);
    const position = answer === 'earliest' ? earliest : answer === 'latest' ? next : answer;
    return new PartitionCursor(partition, keys.log(partition), position);
  }

  async #idle(): Promise<void> {
    this.#wake = new AbortController();
    const { signal } = this.#options;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, IDLE_MS);
    this.#wake.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}

/** What the driver, the link and timers throw when they are ended. */
const isInterruption = (error: unknown): boolean =>
  hasCode(error, 'CANCELLED') || (error instanceof Error && error.name === 'AbortError');
