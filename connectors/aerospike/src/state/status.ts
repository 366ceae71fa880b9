import { MillraceError, type Offset } from '@millrace/core';
import type { Newest } from '@millrace/core/state';

import type { Bins, Operation, Records, RecordWrite } from '../records.ts';
import type { StateKeys } from './keys.ts';
import { MinuteIndex } from './minute-index.ts';
import { NumberSet } from './number-set.ts';
import { RecentMinutes } from './recent-minutes.ts';

/** Bins of a partition's status record. */
const BIN = {
  /** Counts the take-overs: the owner is the writer that made it this. */
  epoch: 'e',
  committed: 'c',
  newestTime: 't',
  newestAppend: 'a',
  clock: 'k',
  late: 'l',
  duplicates: 'u',
  /** Entries of the dictionary. */
  entries: 'n',
  recent: 'r',
  /** Minutes that exist, and the last block of each. */
  minutes: 'm',
  /** Those before it count no more and may be gone, also for who keeps minutes for longer. */
  oldestMinute: 'o',
  /** Sections of the index of dead letters that exist. */
  letterSections: 'x',
} as const;

/** Bins that every query needs; the others are large or rarely needed. */
export const QUERY_BINS: readonly string[] = [BIN.committed, BIN.clock, BIN.oldestMinute, BIN.entries, BIN.recent];
export const INDEX_BINS: readonly string[] = [...QUERY_BINS, BIN.minutes];
export const CLOCK_BINS: readonly string[] = [BIN.newestTime, BIN.newestAppend, BIN.clock, BIN.oldestMinute];
export const OWNER_BINS: readonly string[] = [BIN.epoch, BIN.committed];

/** What is stored of a partition beside its events: the record that is written last, and makes a commit count. */
export interface PartitionStatus {
  readonly epoch: number;
  readonly committed: Offset | undefined;
  readonly newest: Newest | undefined;
  readonly clock: number | undefined;
  readonly late: number;
  readonly duplicates: number;
  readonly entries: number;
  readonly recent: RecentMinutes;
  readonly minutes: MinuteIndex;
  readonly oldestMinute: number;
  readonly letterSections: NumberSet;
}

export function readStatus(bins: Bins | undefined): PartitionStatus {
  const number = (name: string): number | undefined => (typeof bins?.[name] === 'number' ? bins[name] : undefined);
  const bytes = (name: string): Buffer | undefined => bins?.[name] as Buffer | undefined;
  const time = number(BIN.newestTime);
  return {
    epoch: number(BIN.epoch) ?? 0,
    committed: number(BIN.committed),
    newest: time === undefined ? undefined : { time, appendedAt: number(BIN.newestAppend) ?? 0 },
    clock: number(BIN.clock),
    late: number(BIN.late) ?? 0,
    duplicates: number(BIN.duplicates) ?? 0,
    entries: number(BIN.entries) ?? 0,
    recent: RecentMinutes.decode(bytes(BIN.recent)),
    minutes: MinuteIndex.decode(bytes(BIN.minutes)),
    oldestMinute: number(BIN.oldestMinute) ?? 0,
    letterSections: NumberSet.decode(bytes(BIN.letterSections)),
  };
}

/** Of so many partitions, or of these. */
export async function readStatuses(
  records: Records,
  keys: StateKeys,
  partitions: number | readonly number[],
  bins?: readonly string[],
): Promise<PartitionStatus[]> {
  const all = typeof partitions === 'number' ? Array.from({ length: partitions }, (_, at) => at) : partitions;
  const names = all.map((partition) => keys.status(partition));
  const found = await records.read(names, bins);
  return found.map(readStatus);
}

/** Makes the caller the partition's owner. Done twice it only counts further. */
export async function takeOver(records: Records, keys: StateKeys, partition: number): Promise<PartitionStatus> {
  const { operations, ttl, policy } = records.driver;
  const record = await records.run((client) =>
    client.operate(
      keys.status(partition),
      [operations.incr(BIN.epoch, 1), ...Object.values(BIN).map((name) => operations.read(name))],
      { ttl: ttl.NEVER_EXPIRE },
      new records.driver.OperatePolicy({ ...records.connection.writeDefaults, key: policy.key.DIGEST }),
    ),
  );
  return readStatus(record.bins);
}

/** What a commit makes of the status. */
export interface StatusChange {
  readonly epoch: number;
  readonly before: Offset | undefined;
  readonly to: Offset;
  readonly newest: Newest | undefined;
  readonly clock: number | undefined;
  readonly late: number;
  readonly duplicates: number;
  readonly entries: number;
  readonly recent: RecentMinutes;
  readonly minutes: MinuteIndex;
  readonly oldestMinute: number;
  readonly letterSections: NumberSet;
}

/** A write that holds only for the owner at the offset that it has seen: applied once, however often it is sent. */
export function statusWrite(records: Records, keys: StateKeys, partition: number, change: StatusChange): RecordWrite {
  const { exp, operations: op } = records.driver;
  const { epoch, before, newest, clock, minutes, letterSections } = change;
  const isAt =
    before === undefined ? exp.not(exp.binExists(BIN.committed)) : exp.eq(exp.binInt(BIN.committed), exp.int(before));
  const policy = records.policy(exp.and(exp.eq(exp.binInt(BIN.epoch), exp.int(epoch)), isAt), { mustExist: true });
  const operations: Operation[] = [
    op.write(BIN.committed, change.to),
    op.write(BIN.entries, change.entries),
    op.write(BIN.recent, change.recent.encode()),
    op.write(BIN.oldestMinute, change.oldestMinute),
  ];
  if (newest !== undefined) {
    operations.push(op.write(BIN.newestTime, newest.time), op.write(BIN.newestAppend, newest.appendedAt));
  }
  if (clock !== undefined) operations.push(op.write(BIN.clock, clock));
  if (change.late > 0) operations.push(op.incr(BIN.late, change.late));
  if (change.duplicates > 0) operations.push(op.incr(BIN.duplicates, change.duplicates));
  if (minutes.changed) operations.push(op.write(BIN.minutes, minutes.encode()));
  if (letterSections.changed) operations.push(op.write(BIN.letterSections, letterSections.encode()));
  return { key: keys.status(partition), operations, policy };
}

/**
 * Why a status was not written.
 *
 * @returns undefined when it was, at an earlier attempt whose answer was lost
 */
export function refusalOf(
  { epoch, before, to }: StatusChange,
  stored: PartitionStatus,
  partition: number,
): MillraceError | undefined {
  if (stored.epoch === epoch && stored.committed === to) return undefined;
  return ownerError(partition, epoch, stored) ?? lostWrites(partition, before, stored);
}

/** Why this epoch owns the partition no more; undefined where it does. */
export function ownerError(partition: number, epoch: number, stored: PartitionStatus): MillraceError | undefined {
  if (stored.epoch === epoch) return undefined;
  // Epochs only rise.
  return stored.epoch < epoch ? lostWrites(partition, undefined, stored) : staleOwner(partition);
}

/** The same before a commit, which must not write to a state that is not where the owner left it. */
export function changeError(
  partition: number,
  { epoch, committed }: { readonly epoch: number; readonly committed: Offset | undefined },
  stored: PartitionStatus,
): MillraceError | undefined {
  const error = ownerError(partition, epoch, stored);
  if (error !== undefined || stored.committed === committed) return error;
  return lostWrites(partition, committed, stored);
}

const lostWrites = (partition: number, before: Offset | undefined, { committed }: PartitionStatus): MillraceError =>
  new MillraceError(
    'COMMIT_GAP',
    `partition ${partition} of the state is at ${committed ?? 'its beginning'}, and no longer where Aerospike had ` +
      'confirmed it: it lost its last writes. Read again from its committed offset',
    { field: 'from', value: before },
  );

export const staleOwner = (partition: number): MillraceError =>
  new MillraceError(
    'STALE_OWNER',
    `another writer has taken over partition ${partition} of the state: stop, or ask for its committed offset to own it again`,
    { field: 'partition', value: partition },
  );
