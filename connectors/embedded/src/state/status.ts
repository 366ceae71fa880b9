import { MillraceError } from '@millrace/core';
import { ByteReader, ByteWriter } from '@millrace/core/state';

/** The counters of the whole store: one record, written anew in every commit. */
export interface Status {
  /** Id of the next chunk. */
  nextChunk: number;
  /** The event clock, milliseconds; undefined before the first event. */
  clock: number | undefined;
  /** Minutes below are over: removed, or about to be. */
  oldestMinute: number;
  late: number;
  duplicates: number;
  deadLetters: number;
  /** Entries per dimension; 0 where it has no dictionary. */
  dictionarySizes: number[];
}

export const emptyStatus = (dimensions: number): Status => ({
  nextChunk: 1,
  clock: undefined,
  oldestMinute: 0,
  late: 0,
  duplicates: 0,
  deadLetters: 0,
  dictionarySizes: Array.from({ length: dimensions }, () => 0),
});

const VERSION = 1;

export function encodeStatus(status: Status): Buffer {
  const writer = new ByteWriter(128).byte(VERSION);
  writer.varint(status.nextChunk).varint(status.clock === undefined ? 0 : status.clock + 1);
  writer.varint(status.oldestMinute).varint(status.late).varint(status.duplicates).varint(status.deadLetters);
  for (const size of status.dictionarySizes) writer.varint(size);
  return writer.copy();
}

/** @throws STATE_CORRUPT */
export function decodeStatus(value: Buffer, dimensions: number): Status {
  const reader = new ByteReader(value);
  if (reader.byte() !== VERSION) throw new MillraceError('STATE_CORRUPT', 'the status record has an unknown version');
  const nextChunk = reader.varint();
  const clock = reader.varint();
  return {
    nextChunk,
    clock: clock === 0 ? undefined : clock - 1,
    oldestMinute: reader.varint(),
    late: reader.varint(),
    duplicates: reader.varint(),
    deadLetters: reader.varint(),
    dictionarySizes: Array.from({ length: dimensions }, () => reader.varint()),
  };
}

/** How far a partition is applied, and what the event clock needs of it. */
export interface PartitionStatus {
  readonly committed: number;
  /** Newest event time and append time, milliseconds; undefined while it has had no events. */
  readonly newest: { readonly time: number; readonly appendedAt: number } | undefined;
}

export function encodePartition(partition: PartitionStatus): Buffer {
  const writer = new ByteWriter(32).byte(VERSION).varint(partition.committed);
  if (partition.newest !== undefined) writer.varint(partition.newest.time).varint(partition.newest.appendedAt);
  return writer.copy();
}

/** @throws STATE_CORRUPT */
export function decodePartition(value: Buffer): PartitionStatus {
  const reader = new ByteReader(value);
  if (reader.byte() !== VERSION) throw new MillraceError('STATE_CORRUPT', 'a partition has an unknown version');
  const committed = reader.varint();
  return {
    committed,
    newest: reader.done ? undefined : { time: reader.varint(), appendedAt: reader.varint() },
  };
}
