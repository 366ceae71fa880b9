import type { Received, Source } from '@millrace/core';

import { consumePartitions } from '../consume/consume-partitions.ts';
import { FetchClient } from '../consume/fetch-client.ts';
import { offsetsAt } from '../consume/start-place.ts';
import { kafkaError } from '../errors.ts';
import { Shelf } from './shelf.ts';
import { MAX_BYTES, type SourceOptions } from './source-options.ts';

/** Reads all partitions without a group: it shares with nobody, and leaves nothing behind. */
export class ReaderSource implements Source {
  readonly #shelf = new Shelf<undefined>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  private constructor(options: SourceOptions, offsets: ReadonlyMap<number, number>) {
    const { signal } = this.#stop;
    const handler = {
      start: async (partition: number) => offsets.get(partition)!,
      handle: this.#shelf.put.bind(this.#shelf, undefined),
      maxBytes: MAX_BYTES,
    };
    this.#running = consumePartitions(options, [...offsets.keys()], handler, signal).catch((error: unknown) => {
      this.#shelf.fail(error);
    });
  }

  /** Finds the places to begin at first: what is published from then on is read. */
  static async connect(options: SourceOptions): Promise<ReaderSource> {
    const client = new FetchClient(options);
    try {
      const partitions = Array.from({ length: options.topic.partitions }, (_, partition) => partition);
      const places = new Map(partitions.map((partition) => [partition, options.from]));
      return new ReaderSource(options, await offsetsAt(client, places));
    } catch (error) {
      throw kafkaError(error, options.display);
    } finally {
      await client.close();
    }
  }

  receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    return this.#shelf.take(max, signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
