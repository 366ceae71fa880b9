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

/** A store whose two ends are opened each by itself, as on any backend that several processes share. */
export async function openBothEnds(open: {
  readonly writer: () => Promise<StateWriter>;
  readonly reader: () => Promise<StateReader>;
}): Promise<OpenStateStore> {
  const writer = await open.writer();
  const reader = await open.reader();
  const close = async (): Promise<void> => {
    await writer.close();
    await reader.close();
  };
  return {
    writer,
    reader,
    close,
    reopen: async () => {
      await close();
      return openBothEnds(open);
    },
  };
}
