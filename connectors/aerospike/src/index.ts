import type { Connector } from '@millrace/core';

import { openAerospikeKeyValueStore } from './key-value-store.ts';
import { publisher } from './publisher/publisher.ts';
import { openAerospikeStateReader, openAerospikeStateWriter } from './state-store.ts';

export const connector: Connector = {
  openKeyValueStore: openAerospikeKeyValueStore,
  openStateReader: openAerospikeStateReader,
  openStateWriter: openAerospikeStateWriter,
  sinks: { aerospike: publisher },
};

export * from './read/record-reader.ts';
export * from './read/split-record.ts';
export * from './migrate/v1-layout.ts';
export * from './migrate/v1-reader.ts';
