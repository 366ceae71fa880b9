import { randomBytes } from 'node:crypto';

import { openBothEnds, type OpenStateStore, type StateStoreFixture, type StateStoreOptions } from '@millrace/testkit';

import { openRedisStateReader, openRedisStateWriter } from '../../src/state-store.ts';

/** Stores side by side in one Redis or Cluster, each under its own prefix; the server is empty again when it stops. */
export function stateFixture(url: () => string, options: { dictionaryLimit?: number } = {}): StateStoreFixture {
  return {
    open: (given) => openBoth(prefixed(url()), { ...given, ...options }),
  };
}

/** A writer and a reader of the state at a URL. */
export const openBoth = (
  url: string,
  options: StateStoreOptions & { dictionaryLimit?: number },
): Promise<OpenStateStore> =>
  openBothEnds({
    writer: () => openRedisStateWriter(url, options),
    reader: () => openRedisStateReader(url, options),
  });

/** The URL with a prefix of its own. */
export const prefixed = (url: string): string =>
  `${url}${url.includes('?') ? '&' : '?'}prefix=test-${randomBytes(6).toString('hex')}`;
