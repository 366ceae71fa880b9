import { ByteWriter, trimmed } from '@millrace/core/state';

import type { Bins, Key, Records, RecordWrite } from '../records.ts';
import type { PendingWrite } from './pending-write.ts';

/** A timeline is shortened when its record has reached this many bytes for each event to keep. */
const EVENT_BYTES = 40;
/**
 * What timelines may have of a record. One that would take more keeps fewer events than it should: with very long texts,
 * or very many events. A partition takes up to half of what the others leave, or else its even share: so a record has twice
 * this at most, however many partitions bring events of its key.
 */
const RECORD_BYTES = 384 * 1024;

/** Events of one key, as one partition has brought them, lie in bins of that partition. */
export const timelineBin = (partition: number): string => `t${partition}`;
const offsetBin = (partition: number): string => `o${partition}`;

/** The partition and bytes of each bin with events. */
export function storedTimelines(bins: Bins): { readonly partition: number; readonly bytes: Buffer }[] {
  return Object.entries(bins)
    .filter(([name]) => name.startsWith('t'))
    .map(([name, bytes]) => ({ partition: Number(name.slice(1)), bytes: bytes as Buffer }));
}

export interface TimelineLimits {
  readonly keep: number;
  readonly kinds: number;
  readonly partitions: number;
}

/** What the timelines of one partition share in one commit. */
export class TimelineStep {
  readonly records: Records;
  readonly partition: number;
  readonly limits: TimelineLimits;
  /** Of the events to keep, as a rule. */
  readonly usualBytes: number;
  /** Holds for a record that has nothing of this commit and needs no shortening. */
  readonly policy: RecordWrite['policy'];

  /** @param from where the commit begins: no record of an earlier commit has an offset above */
  constructor(records: Records, partition: number, from: number, limits: TimelineLimits) {
    const { exp } = records.driver;
    this.records = records;
    this.partition = partition;
    this.limits = limits;
    this.usualBytes = Math.min(limits.keep * limits.kinds * EVENT_BYTES, RECORD_BYTES / 2);
    const fits = exp.lt(exp.recordSize(), exp.int(1024 + this.usualBytes));
    this.policy = records.policy(exp.and(this.reaches(from), fits));
  }

  /** Holds for a record whose last event lies before this offset. */
  reaches(offset: number): ReturnType<Records['driver']['exp']['or']> {
    const { exp } = this.records.driver;
    const name = offsetBin(this.partition);
    return exp.or(exp.not(exp.binExists(name)), exp.le(exp.binInt(name), exp.int(offset)));
  }
}

/** The events that a commit brings to one key: one append, however many they are. */
export class TimelineWrite implements PendingWrite {
  readonly #step: TimelineStep;
  readonly #key: Key;
  #first: Buffer;
  #more: { readonly writer: ByteWriter; readonly offsets: number[]; readonly starts: number[] } | undefined;
  #firstOffset: number;
  /** The whole timeline, where it has to be written anew, and the offset that its record must still have. */
  #whole: { readonly bytes: Buffer; readonly stored: number } | undefined;

  /** @param event in its stored form */
  constructor(step: TimelineStep, key: Key, offset: number, event: Buffer) {
    this.#step = step;
    this.#key = key;
    this.#first = Buffer.from(event);
    this.#firstOffset = offset;
  }

  /** All: what other partitions have brought counts as well. */
  readonly bins = undefined;

  add(offset: number, event: Buffer): void {
    this.#more ??= {
      writer: new ByteWriter(512).bytes(this.#first),
      offsets: [this.#firstOffset],
      starts: [0],
    };
    this.#more.offsets.push(offset);
    this.#more.starts.push(this.#more.writer.length);
    this.#more.writer.bytes(event);
  }

  next(): RecordWrite {
    const { records, partition, policy } = this.#step;
    const { operations: op } = records.driver;
    const whole = this.#whole;
    const change =
      whole === undefined
        ? op.append(timelineBin(partition), this.#newest())
        : op.write(timelineBin(partition), whole.bytes);
    return {
      key: this.#key,
      operations: [change, op.write(offsetBin(partition), this.#end())],
      policy: whole === undefined ? policy : records.policy(this.#step.reaches(whole.stored)),
    };
  }

  applied(): boolean {
    return true;
  }

  refused(stored: Bins | undefined): boolean {
    const { partition, limits } = this.#step;
    const reached = (stored?.[offsetBin(partition)] as number | undefined) ?? -1;
    if (!this.#cut(reached)) return true;
    // Either it was too long, or it has grown: in both cases the rest goes in with a look at the whole.
    const bytes = Buffer.concat([
      (stored?.[timelineBin(partition)] as Buffer | undefined) ?? Buffer.alloc(0),
      this.#bytes(),
    ]);
    const others = bytesOfOthers(stored ?? {}, partition);
    const most = Math.max(RECORD_BYTES / Math.max(2, limits.partitions), (RECORD_BYTES - others) / 2);
    this.#whole = { bytes: shortened(bytes, limits.keep, most, others > 0 ? 0 : 1), stored: reached };
    return false;
  }

  /** Without those that other events of the same commit push out: one key may have thousands in it. */
  #newest(): Buffer {
    const { usualBytes, limits } = this.#step;
    const bytes = this.#bytes();
    return bytes.length > usualBytes ? shortened(bytes, limits.keep, RECORD_BYTES / 2, 1) : bytes;
  }

  #bytes(): Buffer {
    return this.#more?.writer.view() ?? this.#first;
  }

  /** Offset behind the last event. */
  #end(): number {
    return (this.#more?.offsets.at(-1) ?? this.#firstOffset) + 1;
  }

  /** Takes away the events before this offset; false when none is left. */
  #cut(reached: number): boolean {
    if (this.#firstOffset >= reached) return true;
    const more = this.#more;
    const at = more === undefined ? -1 : more.offsets.findIndex((offset) => offset >= reached);
    if (more === undefined || at < 0) return false;
    const all = more.writer.copy();
    const rest = more.offsets.slice(at).map((offset, index) => ({
      offset,
      event: all.subarray(more.starts[at + index], more.starts[at + index + 1] ?? all.length),
    }));
    this.#first = rest[0]!.event;
    this.#firstOffset = rest[0]!.offset;
    this.#more = undefined;
    for (const { offset, event } of rest.slice(1)) this.add(offset, event);
    return true;
  }
}

const bytesOfOthers = (bins: Bins, partition: number): number =>
  storedTimelines(bins).reduce((sum, one) => sum + (one.partition === partition ? 0 : one.bytes.length), 0);

/** The newest events, at most `keep` of each kind, and fewer where they have more than `most` bytes, but so many at `least`. */
function shortened(bytes: Buffer, keep: number, most: number, least: number): Buffer {
  let shorter = trimmed(bytes, keep) ?? bytes;
  for (let fewer = keep; shorter.length > most && fewer > least;) {
    fewer = Math.floor(fewer / 2);
    shorter = trimmed(shorter, fewer) ?? shorter;
  }
  return shorter;
}
