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
  /** As the driver has it. A private field would cost a tenth of what reading a record costs. */
  readonly wire: WireRecord;

  constructor(offset: number, timestamp: number, wire: WireRecord) {
    this.offset = offset;
    this.timestamp = timestamp;
    // A tombstone of a compacted topic has no value.
    this.value = wire.value ?? NOTHING;
    this.wire = wire;
  }

  get key(): string | undefined {
    return this.wire.key?.toString();
  }

  get headers(): Readonly<Record<string, string>> | undefined {
    const { headers } = this.wire;
    if (headers.length === 0) return undefined;
    return Object.fromEntries(headers.map(([name, value]) => [String(name), value?.toString() ?? '']));
  }
}

export interface FetchedBatch extends Batch {
  readonly records: readonly FetchedRecord[];
  /** Of all values. */
  readonly bytes: number;
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
  let bytes = 0;
  let to = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const last = first + batch.lastOffsetDelta;
    while (next < aborted.length && aborted[next]!.firstOffset <= last)
      abortedProducers.add(aborted[next++]!.producerId);
    if ((batch.attributes & IS_CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT) abortedProducers.delete(batch.producerId);
    } else if ((batch.attributes & IS_TRANSACTIONAL) === 0 || !abortedProducers.has(batch.producerId)) {
      bytes += pushRecords(records, batch, first, from);
    }
    to = Math.max(to, last + 1);
  }
  return { partition: fetched.partitionIndex, from, to, records, bytes };
}

/** @returns the bytes of their values */
function pushRecords(records: FetchedRecord[], batch: WireBatch, first: number, from: number): number {
  const base = Number(batch.firstTimestamp);
  const isAppendTime = (batch.attributes & IS_LOG_APPEND_TIME) !== 0;
  const appended = Number(batch.maxTimestamp);
  let bytes = 0;
  for (const wire of batch.records) {
    const offset = first + wire.offsetDelta;
    if (offset < from) continue;
    const record = new FetchedRecord(offset, isAppendTime ? appended : base + Number(wire.timestampDelta), wire);
    bytes += record.value.length;
    records.push(record);
  }
  return bytes;
}

/**
 * Cuts batches so that each part has at most so many bytes of values, over all its batches, and at least one record where
 * there is one.
 */
export function* slicesOf(batches: readonly FetchedBatch[], maxBytes: number): Generator<FetchedBatch[]> {
  let slice: FetchedBatch[] = [];
  let room = maxBytes;
  for (const batch of batches) {
    let rest = batch;
    for (let count = fitting(rest, room, slice); count < rest.records.length; count = fitting(rest, room, slice)) {
      const [head, tail] = cut(rest, count);
      if (count > 0) slice.push(head);
      yield slice;
      slice = [];
      room = maxBytes;
      rest = tail;
    }
    slice.push(rest);
    room -= rest.bytes;
  }
  if (slice.length > 0) yield slice;
}

/** How many of its records have room in the slice. */
function fitting({ records, bytes }: FetchedBatch, room: number, slice: readonly FetchedBatch[]): number {
  if (bytes <= room) return records.length;
  let count = 0;
  for (let sum = 0; count < records.length; count++) {
    sum += records[count]!.value.length;
    if (sum > room) break;
  }
  return count === 0 && slice.length === 0 ? 1 : count;
}

function cut(batch: FetchedBatch, count: number): readonly [head: FetchedBatch, tail: FetchedBatch] {
  const { partition, from, to, records, bytes, damage } = batch;
  const at = records[count]!.offset;
  const first = records.slice(0, count);
  const headBytes = first.reduce((sum, { value }) => sum + value.length, 0);
  const head = { partition, from, to: at, records: first, bytes: headBytes };
  const tail = {
    partition,
    from: count === 0 ? from : at,
    to,
    records: records.slice(count),
    bytes: bytes - headBytes,
  };
  if (damage === undefined) return [head, tail];
  return count === 0 ? [head, { ...tail, damage }] : [{ ...head, damage }, tail];
}
