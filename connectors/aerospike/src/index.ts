import type { Connector } from '@millrace/core';

import { openAerospikeStateReader, openAerospikeStateWriter } from './state-store.ts';

export const connector: Connector = {
  openStateReader: openAerospikeStateReader,
  openStateWriter: openAerospikeStateWriter,
};
