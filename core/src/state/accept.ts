import { MillraceError } from '../errors.ts';
import type { NewDeadLetter, PartitionChange, StateEvent, StateSchema } from '../state-store.ts';

import { parseDeadLetterId } from './dead-letters.ts';
import { MAX_TIME } from './time.ts';

/** What is left of the changes once everything that is applied already is cut off. */
export interface Accepted {
  /** Events in the order given, and the partition of each. */
  readonly events: StateEvent[];
  readonly eventPartitions: number[];
  readonly deadLetters: { readonly partition: number; readonly letter: NewDeadLetter }[];
  readonly resolved: string[];
  /** New committed offset per partition. */
  readonly to: Map<number, number>;
  redelivered: number;
}

interface AcceptOptions {
  readonly schema: StateSchema;
  readonly partitions: number;
  committed(partition: number): number | undefined;
}

/**
 * Checks the changes and cuts them at the committed offsets, without changing anything.
 *
 * @throws COMMIT_GAP, INVALID_ARGUMENT
 */
export function accept(changes: readonly PartitionChange[], options: AcceptOptions): Accepted {
  const accepted: Accepted = {
    events: [],
    eventPartitions: [],
    deadLetters: [],
    resolved: [],
    to: new Map(),
    redelivered: 0,
  };
  for (const change of changes) {
    const { partition, from, to } = change;
    checkRange(change, options.partitions);
    const committed = accepted.to.get(partition) ?? options.committed(partition);
    if (committed !== undefined && from > committed) {
      throw new MillraceError(
        'COMMIT_GAP',
        `partition ${partition} is applied up to ${committed}, the change starts at ${from}: read again from ${committed}`,
        { field: 'from', value: from, accepted: `at most ${committed}` },
      );
    }
    if (committed !== undefined && to <= committed) {
      accepted.redelivered += change.events.length;
      continue;
    }
    const start = committed ?? from;
    for (const event of change.events) {
      checkEvent(event, change, options.schema);
      if (event.offset < start) {
        accepted.redelivered++;
        continue;
      }
      accepted.events.push(event);
      accepted.eventPartitions.push(partition);
    }
    for (const letter of change.deadLetters) {
      check(isWithin(letter.offset, change) && isTime(letter.appendedAt), 'deadLetters', letter.offset, RANGE_FORM);
      if (letter.offset >= start) accepted.deadLetters.push({ partition, letter });
    }
    for (const id of change.resolved ?? []) {
      check(parseDeadLetterId(id) !== undefined, 'resolved', id, '<partition>-<offset>');
      accepted.resolved.push(id);
    }
    accepted.to.set(partition, to);
  }
  return accepted;
}

const RANGE_FORM = 'an offset of the change, appended at a time from 0 to 2^48 - 1';

function checkRange({ partition, from, to }: PartitionChange, partitions: number): void {
  check(isInteger(partition, 0, partitions - 1), 'partition', partition, `an integer from 0 to ${partitions - 1}`);
  check(isInteger(from, 0, Number.MAX_SAFE_INTEGER), 'from', from, 'a safe integer, 0 or above');
  check(isInteger(to, from, Number.MAX_SAFE_INTEGER), 'to', to, 'a safe integer, `from` or above');
}

function checkEvent(event: StateEvent, change: PartitionChange, schema: StateSchema): void {
  const { kind, time, dimensions, measures } = event;
  check(isWithin(event.offset, change), 'offset', event.offset, 'an integer in the range of the change');
  checkKind(kind, schema);
  check(isTime(time), 'time', time, 'an integer from 0 to 2^48 - 1');
  check(isTime(event.appendedAt), 'appendedAt', event.appendedAt, 'an integer from 0 to 2^48 - 1');
  const { length } = schema.dimensions;
  check(dimensions.length === length, 'dimensions', dimensions, `${length} texts`);
  check(measures.length === schema.measures.length, 'measures', measures, `${schema.measures.length} int32`);
  for (const measure of measures) check(measure === (measure | 0), 'measures', measure, 'an int32');
}

/** @throws INVALID_ARGUMENT when the schema has no such kind */
export function checkKind(kind: number, { kinds }: StateSchema): void {
  check(isInteger(kind, 0, kinds.length - 1), 'kind', kind, `an index into ${kinds.length} kinds`);
}

const isInteger = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

const isTime = (value: number): boolean => isInteger(value, 0, MAX_TIME);

const isWithin = (offset: number, { from, to }: PartitionChange): boolean => isInteger(offset, from, to - 1);

function check(holds: boolean, field: string, value: unknown, accepted: string): void {
  if (holds) return;
  throw new MillraceError('INVALID_ARGUMENT', `${field} of a change is ${String(value)}: give ${accepted}`, {
    field,
    value,
    accepted,
  });
}
