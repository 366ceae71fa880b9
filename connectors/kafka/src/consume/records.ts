import type { Batch, Damage, LogRecord } from '@millrace/core';
import type { Consumer } from '@platformatic/kafka';

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];
type WireBatch = NonNullable<FetchedPartition['records']>[number];
type WireRecord = WireBatch['records'][number];

const IS_LOG_APPEND_TIME = 0b1000;
const IS_TRANSACTIONAL = 0b1_0000;
const IS_CONTROL = 0b10_0000;
/** Type in the key of a control record, after its version. */
const ABORT = 0;
const NOTHING = Buffer.alloc(0);

/** A record as it came from the broker; key and headers are decoded when they are asked for. */
export class FetchedRecord implements LogRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly value: Buffer;
  readonly #wire: WireRecord;

  constructor(offset: number, timestamp: number, wire: WireRecord) {
    this.offset = offset;
    this.timestamp = timestamp;
    // A tombstone of a compacted topic has no value.
    this.value = wire.value ?? NOTHING;
    this.#wire = wire;
  }

  get key(): string | undefined {
    return this.#wire.key?.toString();
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    const { headers } = this.#wire;
    const pairs = [...headers];
    if (pairs.length === 0) return undefined;
    return Object.fromEntries(pairs.map(([name, value]) => [String(name), value?.toString() ?? '']));
  }
}

export interface FetchedBatch extends Batch {
  readonly records: readonly FetchedRecord[];
  readonly damage?: readonly Damage[];
}

/**
 * The records of one partition from an offset on, without markers of transactions and what they aborted; undefined when
 * nothing came.
 *
 * Source: Apache Kafka, `CompletedFetch.java`: which producers are in an aborted transaction changes from batch to batch.
 */
export function recordsFrom(fetched: FetchedPartition, from: number): FetchedBatch | undefined {
  const batches = fetched.records ?? [];
  if (batches.length === 0) return undefined;
  const aborted = (fetched.abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const abortedProducers = new Set<bigint>();
  const records: FetchedRecord[] = [];
  let next = 0;
  let to = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const last = first + batch.lastOffsetDelta;
    while (next < aborted.length && aborted[next]!.firstOffset <= last)
      abortedProducers.add(aborted[next++]!.producerId);
    if ((batch.attributes & IS_CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT) abortedProducers.delete(batch.producerId);
    } else if ((batch.attributes & IS_TRANSACTIONAL) === 0 || !abortedProducers.has(batch.producerId)) {
      pushRecords(records, batch, first, from);
    }
    to = Math.max(to, last + 1);
  }
  return { partition: fetched.partitionIndex, from, to, records };
}

function pushRecords(records: FetchedRecord[], batch: WireBatch, first: number, from: number): void {
  const base = Number(batch.firstTimestamp);
  const isAppendTime = (batch.attributes & IS_LOG_APPEND_TIME) !== 0;
  const appended = Number(batch.maxTimestamp);
  for (const record of batch.records) {
    const offset = first + record.offsetDelta;
    if (offset < from) continue;
    records.push(new FetchedRecord(offset, isAppendTime ? appended : base + Number(record.timestampDelta), record));
  }
}

/**
 * Cuts batches so that each part has at most so many bytes of values, over all its batches, and at least one record where
 * there is one.
 */
export function* slicesOf(batches: readonly FetchedBatch[], maxBytes: number): Generator<FetchedBatch[]> {
  let slice: FetchedBatch[] = [];
  let bytes = 0;
  for (const batch of batches) {
    let begin = 0;
    let from = batch.from;
    for (let at = 0; at < batch.records.length; at++) {
      const { offset, value } = batch.records[at]!;
      const isFull = bytes > 0 && bytes + value.length > maxBytes;
      if (isFull) {
        if (at > begin) slice.push(partOf(batch, begin, at, from, offset));
        yield slice;
        if (at > begin) from = offset;
        slice = [];
        bytes = 0;
        begin = at;
      }
      bytes += value.length;
    }
    slice.push(partOf(batch, begin, batch.records.length, from, batch.to));
  }
  if (slice.length > 0) yield slice;
}

function partOf(batch: FetchedBatch, begin: number, end: number, from: number, to: number): FetchedBatch {
  if (begin === 0 && end === batch.records.length) return batch;
  const part = { partition: batch.partition, from, to, records: batch.records.slice(begin, end) };
  return begin === 0 && batch.damage !== undefined ? { ...part, damage: batch.damage } : part;
}
