import {
  hasCode,
  type Batch,
  type Damage,
  type LogRecord,
  type NewDeadLetter,
  type Offset,
  type PartitionChange,
  type StateEvent,
} from '@millrace/core';
import { decodeRecord, retriedLetter } from '../codec.ts';

/** Offsets [from, to) that the log had removed before they were processed. */
export interface LostRange {
  readonly from: Offset;
  readonly to: Offset;
}

export interface DecodedBatch {
  readonly change: PartitionChange;
  /** Dead letters whose retry failed again: they stay as they are. */
  readonly stillUnreadable: readonly string[];
}

/**
 * What a batch adds up to. Nothing in a batch can make this fail: what cannot be read becomes a dead letter.
 *
 * @param now for dead letters that carry no append time of their own, milliseconds since the epoch
 * @param lost what the log had removed right before this batch
 */
export function decodeBatch(batch: Batch, now: number, lost?: LostRange): DecodedBatch {
  const events: StateEvent[] = [];
  const deadLetters: NewDeadLetter[] = (batch.damage ?? []).map((damage) => letterOfDamage(damage, now));
  if (lost !== undefined) deadLetters.unshift(letterOfLoss(lost, now));
  const resolved: string[] = [];
  const stillUnreadable: string[] = [];
  for (const record of batch.records) {
    try {
      const { event, resolves } = decodeRecord(record);
      events.push(event);
      if (resolves !== undefined) resolved.push(resolves);
    } catch (error) {
      if (!hasCode(error, 'RECORD_UNREADABLE')) throw error;
      const retried = retriedLetter(record);
      if (retried === undefined) deadLetters.push(letterOfRecord(record, error.message));
      else stillUnreadable.push(retried);
    }
  }
  const { partition, to } = batch;
  const change = { partition, from: lost?.from ?? batch.from, to, events, deadLetters, resolved };
  return { change, stillUnreadable };
}

const letterOfRecord = (record: LogRecord, reason: string): NewDeadLetter => ({
  offset: record.offset,
  appendedAt: record.timestamp,
  code: 'RECORD_UNREADABLE',
  reason,
  key: record.key,
  value: record.value,
});

const letterOfDamage = (damage: Damage, now: number): NewDeadLetter => ({
  offset: damage.from,
  appendedAt: now,
  code: 'LOG_CORRUPT',
  reason: `offsets ${damage.from} to ${damage.to - 1} are lost: ${damage.reason} (${damage.place})`,
  key: undefined,
  value: damage.bytes,
});

const letterOfLoss = (lost: LostRange, now: number): NewDeadLetter => ({
  offset: lost.from,
  appendedAt: now,
  code: 'OFFSET_OUT_OF_RANGE',
  reason: `offsets ${lost.from} to ${lost.to - 1} were removed by the log's size limit before they were processed`,
  key: undefined,
  value: new Uint8Array(0),
});
