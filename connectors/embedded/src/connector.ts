import type { Connector } from '@millrace/core';

import { type DataDirectory, openDataDirectory } from './data-directory.ts';
import { openEmbeddedKeyValueStore } from './key-value-store.ts';
import { SharedStores } from './shared-store.ts';
import { parseEmbeddedUrl } from './url.ts';

/**
 * Opens the contracts in one data directory. Everything opened keeps the directory's lock until it is closed, from any
 * thread; docs/embedded.md has the whole picture.
 *
 * @throws every opener: INVALID_OPTION, DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_VERSION
 */
export function createConnector(): Connector {
  const keyValueStores = new SharedStores();
  return {
    async openKeyValueStore(url) {
      const { path, syncAlways } = parseEmbeddedUrl(url);
      const directory = await openDataDirectory(path);
      return holding(directory, () =>
        // The stores of one directory differ in nothing but their sync; two of them get the store's own lock error.
        keyValueStores.open(`${directory.path}?${syncAlways}`, () =>
          openEmbeddedKeyValueStore({ directory: directory.path, syncAlways }),
        ),
      );
    },
  };
}

interface Closable {
  close(): Promise<void>;
}

/** Opens something in the directory; closing it also closes the directory, which a failure to open closes at once. */
async function holding<T extends Closable>(directory: DataDirectory, open: () => Promise<T>): Promise<T> {
  let opened: T;
  try {
    opened = await open();
  } catch (error) {
    await directory.close();
    throw error;
  }
  const close = opened.close.bind(opened);
  return Object.assign(opened, {
    close: async (): Promise<void> => {
      try {
        await close();
      } finally {
        await directory.close();
      }
    },
  });
}
