import { hasCode, type ConsumeOptions } from '@millrace/core';

import { retryDelay } from '../client-options.ts';
import { answered, kafkaError, outOfRange } from '../errors.ts';
import { pause } from '../topic.ts';
import { FetchClient, type FetchClientOptions } from './fetch-client.ts';
import { Mailbox } from './mailbox.ts';
import { type FetchedBatch, slicesOf } from './records.ts';
import { offsetsAt, type StartPlace } from './start-place.ts';

export interface PartitionsHandler extends Pick<ConsumeOptions, 'maxBytes'> {
  /** Asked at the beginning, and again after a gap. */
  start(partition: number): Promise<StartPlace>;
  /** As in {@link ConsumeOptions}, with Kafka's own batches. */
  handle(batches: readonly FetchedBatch[], revoked: AbortSignal): Promise<void>;
}

export interface ConsumeContext extends FetchClientOptions {
  /** Of the URL, for messages. */
  readonly display: string;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
/** Smaller answers cost more requests than they spare memory. */
const LEAST_FETCH_BYTES = 64 * 1024;
/** A gap that stays must cost neither a core nor the broker; each handled batch starts over with the first pause. */
const GAP_PAUSE_MS = { first: 10, longest: 1000 };

/**
 * Reads these partitions from where `start` says and hands on what comes, until they are revoked. Brokers that go away
 * are waited for.
 *
 * @throws what `handle` and `start` reject with, OFFSET_OUT_OF_RANGE, UNAUTHORIZED
 */
export async function consumePartitions(
  context: ConsumeContext,
  partitions: readonly number[],
  handler: PartitionsHandler,
  revoked: AbortSignal,
): Promise<void> {
  const run = new PartitionsRun(context, partitions, handler, revoked);
  let gapPauseMs = GAP_PAUSE_MS.first;
  let failures = 0;
  while (!revoked.aborted) {
    const progress = run.progress;
    try {
      await run.fetchAndHandle();
    } catch (error) {
      if (revoked.aborted && !(error instanceof HandleError)) return;
      if (run.progress > progress) {
        failures = 0;
        gapPauseMs = GAP_PAUSE_MS.first;
      }
      await pauseAfter(error);
    }
  }

  async function pauseAfter(error: unknown): Promise<void> {
    let milliseconds: number;
    if (error instanceof HandleError) {
      if (!hasCode(error.cause, 'COMMIT_GAP')) throw error.cause;
      run.startAgain();
      milliseconds = gapPauseMs;
      gapPauseMs = Math.min(2 * gapPauseMs, GAP_PAUSE_MS.longest);
    } else {
      const own = kafkaError(error, context.display);
      if (!own.retry) throw own;
      milliseconds = retryDelay(++failures);
    }
    await pauseUntil(revoked, milliseconds);
  }
}

async function pauseUntil(signal: AbortSignal, milliseconds: number): Promise<void> {
  try {
    await pause(milliseconds, signal);
  } catch (error) {
    if (!hasCode(error, 'CANCELLED')) throw error;
  }
}

/** What the application rejected with, to tell it from failures of Kafka. */
class HandleError extends Error {}

const ofApplication = async <T>(result: Promise<T>): Promise<T> => {
  try {
    return await result;
  } catch (cause) {
    throw new HandleError('the application failed', { cause });
  }
};

class PartitionsRun {
  readonly #context: ConsumeContext;
  readonly #partitions: readonly number[];
  readonly #handler: PartitionsHandler;
  readonly #revoked: AbortSignal;
  /** Behind what is handled; empty until `start` was asked. */
  #positions = new Map<number, number>();
  /** Counts what went well: a failure after it is a new one. */
  progress = 0;

  constructor(
    context: ConsumeContext,
    partitions: readonly number[],
    handler: PartitionsHandler,
    revoked: AbortSignal,
  ) {
    this.#context = context;
    this.#partitions = partitions;
    this.#handler = handler;
    this.#revoked = revoked;
  }

  startAgain(): void {
    this.#positions.clear();
  }

  /** Until the partitions are revoked, or something fails. What was fetched but not handled is fetched again then. */
  async fetchAndHandle(): Promise<void> {
    const client = new FetchClient(this.#context);
    const mailbox = new Mailbox<FetchedBatch>();
    const end = (): void => mailbox.end();
    this.#revoked.addEventListener('abort', end);
    try {
      const leaders = await client.leaders();
      if (this.#positions.size === 0) this.#positions = await this.#startPositions(client);
      for (const [leader, partitions] of Map.groupBy(this.#partitions, (partition) => leaders[partition] ?? -1)) {
        void this.#fetchFrom(client, leader, partitions, mailbox);
      }
      const { maxBytes = DEFAULT_MAX_BYTES } = this.#handler;
      while (!this.#revoked.aborted) {
        const batches = await mailbox.take();
        if (batches === undefined) return;
        for (const slice of slicesOf(batches, maxBytes)) {
          if (this.#revoked.aborted) return;
          await ofApplication(this.#handler.handle(slice, this.#revoked));
          for (const { partition, to } of slice) this.#positions.set(partition, to);
          this.progress++;
        }
      }
    } finally {
      this.#revoked.removeEventListener('abort', end);
      mailbox.end();
      await client.close();
    }
  }

  /** Fetches one answer ahead of what is being handled. */
  async #fetchFrom(
    client: FetchClient,
    leader: number,
    partitions: readonly number[],
    mailbox: Mailbox<FetchedBatch>,
  ): Promise<void> {
    const at = new Map(partitions.map((partition) => [partition, this.#positions.get(partition)!]));
    const maxBytes = Math.max(LEAST_FETCH_BYTES, this.#handler.maxBytes ?? DEFAULT_MAX_BYTES);
    try {
      while (!mailbox.isEnded) {
        const places = Array.from(at, ([partition, offset]) => ({ partition, offset }));
        const batches = await client.fetch(leader, places, maxBytes);
        this.progress++;
        for (const { partition, to } of batches) at.set(partition, to);
        if (batches.length > 0) await mailbox.put(batches);
      }
    } catch (error) {
      if (mailbox.isEnded) return;
      mailbox.fail(answered(error, 'OFFSET_OUT_OF_RANGE') ? await this.#explainRange(client, at, error) : error);
    }
  }

  async #startPositions(client: FetchClient): Promise<Map<number, number>> {
    const asked = this.#partitions.map(async (partition) => [partition, await this.#handler.start(partition)] as const);
    const answers = await ofApplication(Promise.all(asked));
    return offsetsAt(client, new Map(answers));
  }

  /** The broker does not say which partition it was, nor what it has. */
  async #explainRange(client: FetchClient, at: ReadonlyMap<number, number>, error: unknown): Promise<unknown> {
    const partitions = [...at.keys()];
    try {
      const [earliest, latest] = await Promise.all([client.earliest(partitions), client.latest(partitions)]);
      const wrong = partitions.find(
        (which) => at.get(which)! < earliest.get(which)! || at.get(which)! > latest.get(which)!,
      );
      if (wrong === undefined) return error;
      const accepted = `from ${earliest.get(wrong)} to ${latest.get(wrong)}`;
      return outOfRange(this.#context.topic.name, wrong, at.get(wrong)!, accepted);
    } catch (failure) {
      return failure;
    }
  }
}
