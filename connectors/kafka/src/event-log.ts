import { checkRecords, MillraceError, partitionOf, type EventLog, type NewRecord, type Position } from '@millrace/core';

import type { ClientOptions } from './client-options.ts';
import { logClosed } from './errors.ts';
import { KafkaLogReader, type KafkaLogReaderOptions } from './log-reader.ts';
import type { ProducerValues } from './options.ts';
import { TopicWriter } from './produce/topic-writer.ts';
import { PendingRecord, type WriteCall } from './produce/partition-queue.ts';
import type { Topic } from './topic.ts';

export interface KafkaEventLogOptions extends KafkaLogReaderOptions, ProducerValues {
  readonly client: ClientOptions;
  readonly topic: Topic;
}

/** An event log on a topic: acknowledged by all replicas in sync, and written once although sent again. */
export class KafkaEventLog extends KafkaLogReader implements EventLog {
  readonly #topic: Topic;
  readonly #writer: TopicWriter;
  #nextPartition = 0;
  #isClosed = false;

  constructor(options: KafkaEventLogOptions) {
    super(options);
    this.#topic = options.topic;
    this.#writer = new TopicWriter({ ...options, acks: 'all' });
  }

  append(records: readonly NewRecord[]): Promise<readonly Position[]> {
    if (this.#isClosed) return Promise.reject(logClosed());
    if (records.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      checkRecords(records, this.partitions);
      const append = new Append(records.length, resolve, reject);
      const since = performance.now();
      const pending = records.map((record, index) => this.#pending(record, since, append, index));
      this.#writer.reserve(pending.reduce((sum, { bytes }) => sum + bytes, 0));
      for (const record of pending) this.#writer.write(record);
    });
  }

  override async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#writer.close();
    }
    await super.close();
  }

  #pending({ key, partition, value }: NewRecord, since: number, call: WriteCall, index: number): PendingRecord {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
    const record = new PendingRecord(this.#topic.name, key === undefined ? undefined : Buffer.from(key), bytes);
    if (record.bytes > this.#topic.maxMessageBytes) throw this.#tooLarge(record.bytes);
    record.partition = partition ?? this.#partitionFor(key);
    record.since = since;
    record.call = call;
    record.index = index;
    return record;
  }

  #partitionFor(key: string | undefined): number {
    if (key !== undefined) return partitionOf(key, this.partitions);
    this.#nextPartition = (this.#nextPartition + 1) % this.partitions;
    return this.#nextPartition;
  }

  #tooLarge(bytes: number): MillraceError {
    const { name, maxMessageBytes } = this.#topic;
    return new MillraceError(
      'RECORD_TOO_LARGE',
      `a record of ${bytes} bytes is more than the topic ${name} takes: raise its max.message.bytes (now ${maxMessageBytes})`,
      { field: 'value', value: bytes, accepted: `at most ${maxMessageBytes} bytes with its key` },
    );
  }
}

/** One call of `append`, which may span partitions with leaders of their own. */
class Append implements WriteCall {
  readonly #positions: Position[];
  readonly #resolve: (positions: readonly Position[]) => void;
  readonly #reject: (error: MillraceError) => void;
  #open: number;
  #isWritten = false;
  #failure: MillraceError | undefined;
  #isInDoubt = false;

  constructor(
    records: number,
    resolve: (positions: readonly Position[]) => void,
    reject: (error: MillraceError) => void,
  ) {
    this.#open = records;
    this.#positions = Array.from({ length: records });
    this.#resolve = resolve;
    this.#reject = reject;
  }

  written(index: number, partition: number, offset: number): void {
    this.#positions[index] = { partition, offset };
    this.#isWritten = true;
    this.#settle();
  }

  failed(_index: number, error: MillraceError, inDoubt: boolean): void {
    // Of several failures, the one in doubt says what the whole call is.
    if (this.#failure === undefined || (inDoubt && !this.#isInDoubt)) this.#failure = error;
    this.#isInDoubt ||= inDoubt;
    this.#settle();
  }

  #settle(): void {
    this.#open--;
    if (this.#open > 0) return;
    if (this.#failure === undefined) this.#resolve(this.#positions);
    else if (this.#isInDoubt || !this.#isWritten) this.#reject(this.#failure);
    else this.#reject(partlyWritten(this.#failure));
  }
}

/** A code that allows to try again would double the records that are written. */
const partlyWritten = (cause: MillraceError): MillraceError =>
  new MillraceError('LOG_FAILED', `only a part of the records was written: ${cause.message}`, { cause });
