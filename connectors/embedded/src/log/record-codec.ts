import { murmur2, type LogRecord, type NewRecord } from '@millrace/core';
import type { FrameGroup, FrameHeader } from '@millrace/storage';

/*
 * A record in a frame's body, see docs/log-format.md:
 *   varint partition | varint key bytes + 1, 0 without a key | varint value bytes | key, UTF-8 | value
 * Its offset is the frame's offset plus its place in the frame, its timestamp the frame's.
 */

const SCRATCH_BYTES = 3 * 256;
/** Up to so many bytes a loop beats the call into the runtime that copies. */
const LOOP_BYTES = 48;
const VARINTS_BYTES = 3 * 5;

/** Encodes records straight into a group of frames. */
export class RecordEncoder {
  readonly #partitions: number;
  readonly #utf8 = new TextEncoder();
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #roundRobin = 0;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** Adds the record to the group and returns its partition. */
  encode(group: FrameGroup, record: NewRecord): number {
    const { key, value } = record;
    let keyBytes = this.#scratch;
    let keyLength = 0;
    if (key !== undefined) {
      if (key.length <= SCRATCH_BYTES / 3) {
        keyLength = this.#utf8.encodeInto(key, keyBytes).written;
      } else {
        keyBytes = this.#utf8.encode(key);
        keyLength = keyBytes.length;
      }
    }
    let partition = record.partition;
    if (partition === undefined) {
      // As core's partitionOf, on the bytes that are needed here anyway.
      if (key !== undefined) partition = (murmur2(keyBytes, keyLength) & 0x7fffffff) % this.#partitions;
      else partition = this.#roundRobin++ % this.#partitions;
    }
    let at = group.reserve(VARINTS_BYTES + keyLength + value.length);
    const { buffer } = group;
    at = writeVarint(buffer, at, partition);
    at = writeVarint(buffer, at, key === undefined ? 0 : keyLength + 1);
    at = writeVarint(buffer, at, value.length);
    at = copy(buffer, at, keyBytes, keyLength);
    group.added(copy(buffer, at, value, value.length));
    return partition;
  }
}

/** Which records of a frame are wanted, and where they go. */
export interface RecordSink {
  /** Per partition, lowest wanted offset; Infinity for none. */
  readonly from: readonly number[];
  /** Per partition, where its records are added. */
  readonly records: readonly LogRecord[][];
  /** How many more bytes of keys and values are wanted; the first record is taken whatever its size. */
  budget: number;
  taken: number;
}

/**
 * Adds the frame's wanted records to the sink and returns the offset to go on at: the frame's end, or a record that no
 * longer fits into the budget. Undefined when the body is not what a writer of this format makes.
 */
export function decodeFrame(header: FrameHeader, buffer: Buffer, bodyAt: number, sink: RecordSink): number | undefined {
  const end = bodyAt + header.bodyLength;
  const { time: timestamp } = header;
  const { from } = sink;
  const last = header.offset + header.records;
  let at = bodyAt;
  for (let offset = header.offset; offset < last; offset++) {
    if (at >= end) return undefined;
    let partition = buffer[at++]!;
    if (partition > 127) [partition, at] = readVarint(buffer, at - 1);
    let keyLength = buffer[at++]!;
    if (keyLength > 127) [keyLength, at] = readVarint(buffer, at - 1);
    let valueLength = buffer[at++]!;
    if (valueLength > 127) [valueLength, at] = readVarint(buffer, at - 1);
    const keyEnd = keyLength === 0 ? at : at + keyLength - 1;
    const valueEnd = keyEnd + valueLength;
    const lowest = from[partition];
    if (valueEnd > end || lowest === undefined) return undefined;
    if (offset >= lowest) {
      sink.budget -= valueEnd - at;
      if (sink.budget < 0 && sink.taken > 0) return offset;
      sink.taken++;
      const key = keyLength === 0 ? undefined : buffer.toString('utf8', at, keyEnd);
      sink.records[partition]!.push({ offset, timestamp, key, value: buffer.subarray(keyEnd, valueEnd) });
    }
    at = valueEnd;
  }
  return at === end ? last : undefined;
}

function copy(target: Buffer, at: number, source: Uint8Array, length: number): number {
  if (length <= LOOP_BYTES) {
    for (let i = 0; i < length; i++) target[at + i] = source[i]!;
  } else {
    target.set(length === source.length ? source : source.subarray(0, length), at);
  }
  return at + length;
}

function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest > 127) {
    target[next++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[next++] = rest;
  return next;
}

function readVarint(source: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  let next = at;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = source[next++] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  return [value, next];
}
