import type { StateReader, StateSchema, StateWriter } from '@millrace/core';

export interface StateStoreOptions {
  readonly schema: StateSchema;
  readonly partitions: number;
  readonly keep: number;
  readonly retentionMs: number;
}

/** One store, empty at first. */
export interface OpenStateStore {
  readonly writer: StateWriter;
  readonly reader: StateReader;
  /** Closes both ends and opens the same store again. */
  reopen(): Promise<OpenStateStore>;
  /** Closes both ends and removes the store. */
  close(): Promise<void>;
}

export interface StateStoreFixture {
  open(options: StateStoreOptions): Promise<OpenStateStore>;
  /** Why this store cannot be tested here. */
  readonly skip?: string;
}
