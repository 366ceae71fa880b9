import type { Connector } from '@millrace/core';

import { openAerospikeKeyValueStore } from './key-value-store.ts';
import { openAerospikeStateReader, openAerospikeStateWriter } from './state-store.ts';

export const connector: Connector = {
  openKeyValueStore: openAerospikeKeyValueStore,
  openStateReader: openAerospikeStateReader,
  openStateWriter: openAerospikeStateWriter,
};
