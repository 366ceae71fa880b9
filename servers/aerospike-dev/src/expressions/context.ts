import type { StoredRecord } from '../storage/record.ts';

/** The record that operations and expressions work on. */
export interface RecordView {
  readonly namespace: string;
  readonly digest: string;
  /** Undefined while the command creates it. */
  readonly record: StoredRecord | undefined;
}
