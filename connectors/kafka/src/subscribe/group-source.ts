import { setImmediate as turn } from 'node:timers/promises';

import { MillraceError, type Received, type Source } from '@millrace/core';

import { retryDelay } from '../client-options.ts';
import { consumePartitions } from '../consume/consume-partitions.ts';
import { GroupMember } from '../consume/group-member.ts';
import { kafkaError } from '../errors.ts';
import { pause } from '../topic.ts';
import { type ReceivedRecord, Shelf } from './shelf.ts';
import { MAX_BYTES, type SourceOptions } from './source-options.ts';

export interface GroupSourceOptions extends SourceOptions {
  readonly group: string;
}

/** One assignment of partitions. */
interface Generation {
  /** Given to `receive` and not acknowledged. */
  open: number;
  onSettled: (() => void) | undefined;
}

/** A member of a consumer group: what is acknowledged does not come again, to nobody of the group. */
export class GroupSource implements Source {
  readonly #options: GroupSourceOptions;
  readonly #member: GroupMember;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #joined = Promise.withResolvers<void>();
  readonly #shelf = new Shelf<Generation>(({ owner }) => owner.open++);
  #generation: Generation | undefined;
  #recall: (() => readonly Received[]) | undefined;

  private constructor(options: GroupSourceOptions) {
    this.#options = options;
    this.#member = new GroupMember({
      ...options,
      work: (partitions, revoked) => this.#work(partitions, revoked),
      onJoined: () => this.#joined.resolve(),
    });
    this.#running = this.#member.run(this.#stop.signal).catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when the group has let it in. @throws what keeps it from joining */
  static async connect(options: GroupSourceOptions, signal: AbortSignal): Promise<GroupSource> {
    const source = new GroupSource(options);
    const stop = (): void => source.#joined.reject(new MillraceError('CANCELLED', 'it was told to stop'));
    signal.addEventListener('abort', stop);
    try {
      await source.#joined.promise;
      return source;
    } catch (error) {
      await source.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    return this.#shelf.take(max, signal);
  }

  async acknowledge(received: readonly Received[]): Promise<void> {
    for (const { token } of received) {
      // What `receive` gave.
      const { owner: generation, partition, record } = token as ReceivedRecord<Generation>;
      generation.open--;
      // Of a former generation: the partition may be another consumer's by now, which has the message again.
      if (this.#member.has(partition) && generation === this.#generation)
        this.#member.commit(partition, record.offset + 1);
      if (generation.open === 0) generation.onSettled?.();
    }
  }

  recallable(recall: () => readonly Received[]): void {
    this.#recall = recall;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(partitions: readonly number[], revoked: AbortSignal): Promise<void> {
    const generation: Generation = { open: 0, onSettled: undefined };
    this.#generation = generation;
    const committed = await this.#committed(partitions, revoked);
    await consumePartitions(
      this.#options,
      partitions,
      {
        start: async (partition) => committed.get(partition) ?? this.#options.from,
        handle: (batches) => this.#shelf.put(generation, batches, revoked),
        maxBytes: MAX_BYTES,
      },
      revoked,
    );
    await this.#settled(generation);
  }

  /**
   * Takes back what the application has not got yet, and waits for what it has in its hands. If it keeps that for so long
   * that the group would lose patience, the connection is given up: what is not acknowledged comes again elsewhere.
   */
  async #settled(generation: Generation): Promise<void> {
    if (this.#stop.signal.aborted) return;
    // What `receive` gave last is still on its way to the subscriber.
    await turn();
    for (const { token } of this.#recall?.() ?? []) (token as ReceivedRecord<Generation>).owner.open--;
    if (generation.open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, this.#options.sessionTimeout / 2);
      const { signal } = this.#stop;
      generation.onSettled = done;
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
    if (generation.open === 0 || this.#stop.signal.aborted) return;
    const message = `the partitions of ${this.#options.display} went to another consumer before ${generation.open} messages were acknowledged`;
    this.#fail(new MillraceError('UNAVAILABLE', message));
  }

  async #committed(partitions: readonly number[], revoked: AbortSignal): Promise<ReadonlyMap<number, number>> {
    for (let attempt = 1; !revoked.aborted; attempt++) {
      try {
        return await this.#member.committed(partitions);
      } catch (error) {
        const own = kafkaError(error, this.#options.display);
        if (!own.retry) throw own;
        await pause(retryDelay(attempt), undefined);
      }
    }
    return new Map();
  }

  #fail(error: unknown): void {
    this.#joined.reject(this.#shelf.fail(error));
  }
}
