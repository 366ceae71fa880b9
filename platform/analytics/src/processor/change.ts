import {
  hasCode,
  type Batch,
  type Damage,
  type LogRecord,
  type NewDeadLetter,
  type PartitionChange,
  type StateEvent,
} from '@millrace/core';
import { decodeRecord, retriedLetter } from '../codec.ts';

export interface DecodedBatch {
  readonly change: PartitionChange;
  /** Dead letters whose retry failed again: they stay as they are. */
  readonly stillUnreadable: readonly string[];
}

/**
 * What a batch adds up to. Nothing in a batch can make this fail: what cannot be read becomes a dead letter.
 *
 * @param now for dead letters that carry no append time of their own, milliseconds since the epoch
 */
export function decodeBatch(batch: Batch, now: number): DecodedBatch {
  const events: StateEvent[] = [];
  const deadLetters: NewDeadLetter[] = (batch.damage ?? []).map((damage) => letterOfDamage(damage, now));
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
  const { partition, from, to } = batch;
  return { change: { partition, from, to, events, deadLetters, resolved }, stillUnreadable };
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
