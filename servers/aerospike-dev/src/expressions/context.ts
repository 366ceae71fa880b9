import type { Particle } from '../storage/packed-bins.ts';
import type { StoredRecord } from '../storage/record.ts';

/** The record that operations and expressions work on. */
export interface RecordView {
  readonly namespace: string;
  readonly digest: string;
  /** Undefined while the command creates it. */
  readonly record: StoredRecord | undefined;
}

/** What an expression can see: the record, and its bins as the operations before have left them. */
export interface EvaluationContext extends RecordView {
  readonly bin: (name: string) => Particle | undefined;
}
