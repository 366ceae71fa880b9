import { toMillraceError, type MillraceError, type Received } from '@millrace/core';

import type { FetchedBatch, FetchedRecord } from '../consume/records.ts';

/** How long a call of `take` waits. */
const TAKE_MS = 1000;

/** Key and headers are decoded when they are asked for. */
export class ReceivedRecord<Owner> implements Received {
  readonly record: FetchedRecord;
  readonly partition: number;
  readonly owner: Owner;

  constructor(record: FetchedRecord, partition: number, owner: Owner) {
    this.record = record;
    this.partition = partition;
    this.owner = owner;
  }

  get body(): Buffer {
    return this.record.value;
  }

  get key(): string | undefined {
    return this.record.key;
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    return this.record.headers;
  }

  get token(): this {
    return this;
  }
}

/** Hands what a consume loop brings to a subscriber that takes it when it has room. */
export class Shelf<Owner> {
  readonly #onTake: ((record: ReceivedRecord<Owner>) => void) | undefined;
  #waiting: ReceivedRecord<Owner>[] = [];
  #at = 0;
  #onTaken: (() => void) | undefined;
  #onItem: (() => void) | undefined;
  #failure: MillraceError | undefined;

  /** `onTake` is told of each record that is taken, before `put` knows of it. */
  constructor(onTake?: (record: ReceivedRecord<Owner>) => void) {
    this.#onTake = onTake;
  }

  /** Resolves when all are taken; what is not when the signal aborts is forgotten. */
  async put(owner: Owner, batches: readonly FetchedBatch[], revoked: AbortSignal): Promise<void> {
    this.#waiting = batches.flatMap(({ partition, records }) =>
      records.map((record) => new ReceivedRecord(record, partition, owner)),
    );
    this.#at = 0;
    if (this.#waiting.length === 0) return;
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    this.#onTaken = done;
    revoked.addEventListener('abort', done);
    this.#onItem?.();
    await taken;
    // The signal lives as long as the assignment, which may be for ever.
    revoked.removeEventListener('abort', done);
    this.#onTaken = undefined;
    this.#waiting = [];
    this.#at = 0;
  }

  /** At most so many; none when nothing came for a while or the signal aborted. @throws what `fail` was told */
  async take(max: number, signal: AbortSignal): Promise<readonly ReceivedRecord<Owner>[]> {
    if (this.#waiting.length === this.#at && !signal.aborted) await this.#item(signal);
    if (this.#failure !== undefined) throw this.#failure;
    const taken = this.#waiting.slice(this.#at, this.#at + max);
    this.#at += taken.length;
    if (this.#onTake !== undefined) for (const record of taken) this.#onTake(record);
    if (this.#at === this.#waiting.length) this.#onTaken?.();
    return taken;
  }

  /** Nothing more will come. @returns the error that is kept, which is the first */
  fail(error: unknown): MillraceError {
    this.#failure ??= toMillraceError(error);
    this.#onItem?.();
    return this.#failure;
  }

  #item(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#onItem = undefined;
        resolve();
      };
      const timer = setTimeout(done, TAKE_MS);
      signal.addEventListener('abort', done);
      this.#onItem = done;
      if (this.#failure !== undefined) done();
    });
  }
}
