import { openBothEnds, type OpenStateStore, type StateStoreFixture, type StateStoreOptions } from '@millrace/testkit';

import { openAerospikeStateReader, openAerospikeStateWriter } from '../../src/state-store.ts';
import { withSet } from '../servers.ts';

/** Stores side by side in one namespace, each in sets of its own; a development server is empty again when it stops. */
export const stateFixture = (url: () => string, options: { dictionaryLimit?: number } = {}): StateStoreFixture => ({
  open: (given) => openBoth(withSet(url()), { ...given, ...options }),
});

/** A writer and a reader of the state at a URL. */
export const openBoth = (
  url: string,
  options: StateStoreOptions & { dictionaryLimit?: number },
): Promise<OpenStateStore> =>
  openBothEnds({
    writer: () => openAerospikeStateWriter(url, options),
    reader: () => openAerospikeStateReader(url, options),
  });
